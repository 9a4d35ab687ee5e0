// The local edits of a session. Numbers in an operation are reduced modulo the current lengths, on both sides alike, so
// that every operation means something in every state and a session can be shrunk by leaving operations out.

import { fromBase64 } from './show.mjs'

/** The roots of every session's documents, in the order in which types are looked for. */
export const roots = [['t', 'text'], ['a', 'array'], ['m', 'map'], ['x', 'fragment'], ['e', 'element'], ['s', 'xmltext']]

const constructorName = { text: 'Text', array: 'Array', map: 'Map', fragment: 'XmlFragment', element: 'XmlElement', xmltext: 'XmlText', hook: 'XmlHook' }

/** The root of a kind; asking for it settles its kind in the document. */
export const ask = (client, kind) => {
  const [name] = roots.find((root) => root[1] === kind) ?? roots.find((root) => root[1] === 'map')
  return askAs(client, name, kind === 'hook' ? 'map' : kind)
}

/** The root of a name as a kind; an error if the document has it as another. */
export const askAs = (client, name, kind) => {
  const type = client.doc.get(name, client.Y[constructorName[kind]])
  client.asked.add(name)
  return type
}

const nested = (client) => {
  const found = []
  const { AbstractType, Array: YArray, Map: YMap, XmlFragment, XmlElement } = client.Y
  const visit = (type) => {
    for (let item = type instanceof YMap ? null : type._start; item !== null; item = item.right) {
      if (item.deleted) continue
      for (const value of item.content.getContent()) enter(value)
    }
    if (type instanceof YArray || (type instanceof XmlFragment && !(type instanceof XmlElement))) return
    for (const key of [...type._map.keys()].sort()) {
      const item = type._map.get(key)
      if (!item.deleted) enter(item.content.getContent()[item.length - 1])
    }
  }
  const enter = (value) => {
    if (!(value instanceof AbstractType)) return
    found.push(value)
    visit(value)
  }
  for (const [name] of roots) if (client.asked.has(name)) visit(client.doc.share.get(name))
  return found
}

/** The type an operation works on: the root of its kind for an even n, else one of that kind somewhere below the roots. */
export const pick = (client, kind, n) => {
  if (n % 2 === 1) {
    const Type = client.Y[constructorName[kind]]
    const all = nested(client).filter((type) => type.constructor === Type)
    if (all.length > 0) return all[(n >> 1) % all.length]
  }
  return ask(client, kind)
}

/** A value from its tagged form. */
export const build = (Y, value) => {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((one) => build(Y, one))
  if ('$undef' in value) return undefined
  if ('$big' in value) return BigInt(value.$big)
  if ('$num' in value) return Number(value.$num)
  if ('$bytes' in value) return fromBase64(value.$bytes)
  if ('$new' in value) return buildType(Y, value)
  for (const key of Object.keys(value)) value[key] = build(Y, value[key]) // in place: an own __proto__ stays one
  return value
}

const buildType = (Y, spec) => {
  const list = () => (spec.list ?? []).map((one) => build(Y, one))
  const entries = (set) => { for (const [key, value] of spec.map ?? []) set(key, build(Y, value)) }
  switch (spec.$new) {
    case 'text':
    case 'xmltext': {
      const text = new Y[constructorName[spec.$new]](spec.text)
      if (spec.delta) text.applyDelta(spec.delta.map((op) => ({ insert: op.insert, ...(op.attributes && { attributes: build(Y, op.attributes) }) })))
      return text
    }
    case 'array': {
      const array = new Y.Array()
      array.push(list())
      return array
    }
    case 'map': {
      const map = new Y.Map()
      entries((key, value) => map.set(key, value))
      return map
    }
    case 'hook': {
      const hook = new Y.XmlHook(spec.name)
      entries((key, value) => hook.set(key, value))
      return hook
    }
    case 'fragment': {
      const fragment = new Y.XmlFragment()
      fragment.insert(0, list())
      return fragment
    }
    case 'element': {
      const element = new Y.XmlElement(spec.name)
      entries((key, value) => element.setAttribute(key, value))
      element.insert(0, list())
      return element
    }
    case 'doc': {
      const options = { guid: spec.name, gc: spec.gc !== false }
      if (spec.autoLoad) options.autoLoad = true
      if (spec.meta !== undefined) options.meta = build(Y, spec.meta)
      return new Y.Doc(options)
    }
  }
  throw new Error(`no type ${spec.$new}`)
}

const attributes = (client, op) => op.a === undefined ? undefined : build(client.Y, op.a)

const applyDelta = (client, op) => {
  const text = pick(client, op.t, op.n)
  let rest = text.length
  const delta = []
  for (const part of op.d) {
    const out = {}
    if (part.v !== undefined) {
      out.insert = build(client.Y, part.v)
    } else {
      if (rest === 0) continue
      const length = (part.r ?? part.x) % rest + 1
      rest -= length
      if (part.r !== undefined) out.retain = length
      else out.delete = length
    }
    if (part.a !== undefined) out.attributes = build(client.Y, part.a)
    delta.push(out)
  }
  text.applyDelta(delta)
}

const deleteRange = (type, op, remove) => {
  const at = op.i % (type.length + 1)
  const length = Math.min(op.l, type.length - at)
  if (length > 0) remove(at, length)
}

/** The local edits by name. */
export const edits = {
  tins (client, op) {
    const text = pick(client, op.t, op.n)
    text.insert(op.i % (text.length + 1), op.s, attributes(client, op))
  },
  temb (client, op) {
    const text = pick(client, op.t, op.n)
    text.insertEmbed(op.i % (text.length + 1), build(client.Y, op.v), attributes(client, op))
  },
  tdel (client, op) {
    const text = pick(client, op.t, op.n)
    deleteRange(text, op, (at, length) => text.delete(at, length))
  },
  tfmt (client, op) {
    const text = pick(client, op.t, op.n)
    const at = op.i % (text.length + 1)
    const length = op.over ? op.l : Math.min(op.l, text.length - at)
    if (length > 0) text.format(at, length, attributes(client, op))
  },
  tdelta: applyDelta,
  aset (client, op) { pick(client, op.t, op.n).setAttribute(op.s, build(client.Y, op.v)) },
  adel (client, op) { pick(client, op.t, op.n).removeAttribute(op.s) },
  lins (client, op) {
    const list = pick(client, op.t, op.n)
    list.insert(op.i % (list.length + 1), op.v.map((one) => build(client.Y, one)))
  },
  lpush (client, op) { pick(client, op.t, op.n).push(op.v.map((one) => build(client.Y, one))) },
  ldel (client, op) {
    const list = pick(client, op.t, op.n)
    deleteRange(list, op, (at, length) => list.delete(at, length))
  },
  mset (client, op) { pick(client, op.t, op.n).set(op.s, build(client.Y, op.v)) },
  mdel (client, op) { pick(client, op.t, op.n).delete(op.s) },
  tx (client, op) {
    client.doc.transact(() => { for (const one of op.ops ?? []) edits[one.k](client, one) }, op.o ?? null)
  }
}
