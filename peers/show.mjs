// Canonical text of what Yjs hands out: values, deltas, events, whole types. The Go side of the differential test writes
// the same text from its own documents, so that two peers agree exactly when their lines are equal.

import * as Y from 'yjs'

/** @param {Uint8Array} bytes */
export const base64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
export const fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64'))

const kinds = new Map([
  [Y.Text, 'text'], [Y.Array, 'array'], [Y.Map, 'map'], [Y.XmlFragment, 'fragment'],
  [Y.XmlElement, 'element'], [Y.XmlText, 'xmltext'], [Y.XmlHook, 'hook']
])

/** The kind of a type, or undefined for a root that nobody has asked for. */
export const kindOf = (type) => kinds.get(type.constructor)

/** The name of the root that holds type, "?" if nobody has asked for it. */
const rootName = (type) => {
  while (type._item !== null) type = type._item.parent
  if (kindOf(type) === undefined) return '?'
  for (const [name, root] of type.doc.share) if (root === type) return name
  return null
}

const number = (n) => {
  if (Object.is(n, -0)) return '{"$num":"-0"}'
  return Number.isFinite(n) ? String(n) : `{"$num":"${n}"}`
}

const object = (value, one) => {
  const parts = []
  for (const key of Object.keys(value)) parts.push(JSON.stringify(key) + ':' + one(value[key]))
  return '{' + parts.join(',') + '}'
}

const reference = (type) => `{"$type":"${kindOf(type)}","id":"${type._item.id.client}:${type._item.id.clock}"}`

const withTypes = (typeText) => {
  const one = (value) => {
    switch (typeof value) {
      case 'string': return JSON.stringify(value)
      case 'number': return number(value)
      case 'boolean': return String(value)
      case 'undefined': return '{"$undef":1}'
      case 'bigint': return `{"$big":"${value}"}`
    }
    if (value === null) return 'null'
    if (Array.isArray(value)) return '[' + value.map(one).join(',') + ']'
    if (value instanceof Uint8Array) return `{"$bytes":"${base64(value)}"}`
    if (value instanceof Y.AbstractType) return typeText(value)
    if (value instanceof Y.Doc) return `{"$doc":${JSON.stringify(value.guid)}}`
    return object(value, one)
  }
  return one
}

/** Text of a value in which a type is named by its kind and id. */
export const show = withTypes(reference)

/** Text of a value in which a type is written out with all it holds. */
const showDeep = withTypes((type) => dump(type))

const deltaText = (delta, one) => '[' + delta.map((op) => {
  const parts = []
  if (op.insert !== undefined) parts.push('"insert":' + one(op.insert))
  if (op.retain !== undefined) parts.push('"retain":' + op.retain)
  if (op.delete !== undefined) parts.push('"delete":' + op.delete)
  if (op.attributes !== undefined) parts.push('"attributes":' + object(op.attributes, one))
  return '{' + parts.join(',') + '}'
}).join(',') + ']'

export const showDelta = (delta) => deltaText(delta, show)

const entries = (map) => {
  const parts = []
  map.forEach((value, key) => parts.push(`[${JSON.stringify(key)},${showDeep(value)}]`))
  return '[' + parts.join(',') + ']'
}

const attributes = (type) => object(type.getAttributes(), showDeep)

/** Everything a type holds, through the reading methods of its kind. */
export const dump = (type) => {
  const kind = kindOf(type)
  switch (kind) {
    case 'text':
    case 'xmltext':
      return `["${kind}",${type.length},${JSON.stringify(type.toString())},${deltaText(type.toDelta(), showDeep)},${attributes(type)}]`
    case 'array': return `["array",${type.length},${showDeep(type.toArray())}]`
    case 'map': return `["map",${type.size},${entries(type)}]`
    case 'hook': return `["hook",${JSON.stringify(type.hookName)},${entries(type)}]`
    case 'fragment': return `["fragment",${type.length},${showDeep(type.toArray())}]`
    case 'element': return `["element",${JSON.stringify(type.nodeName)},${type.length},${attributes(type)},${showDeep(type.toArray())}]`
  }
  throw new Error('a type nobody has asked for has no content to show')
}

// Reading event.delta makes Yjs delete format marks that it finds redundant. A reader must not change what it reads, so
// while a delta is computed such a deletion is only marked, which the computation relies on, and unmarked afterwards.
const deleteItem = Y.Item.prototype.delete
let marked = null
Y.Item.prototype.delete = function (transaction) {
  if (marked === null) return deleteItem.call(this, transaction)
  if (!this.deleted) {
    this.markDeleted()
    marked.push(this)
  }
}

const readDelta = (event) => {
  marked = []
  try {
    return event instanceof Y.YTextEvent ? event.delta : event.changes.delta
  } finally {
    for (const item of marked) item.deleted = false
    marked = null
  }
}

/** The event of a changed type as one line. */
export const showEvent = (event, subs) => {
  event.currentTarget = null // the path begins at the root
  event._path = null
  const keys = []
  event.changes.keys.forEach(({ action, oldValue }, key) => keys.push(`[${JSON.stringify(key)},"${action}",${show(oldValue)}]`))
  const changed = [...subs].filter((sub) => sub !== null)
  return `event ${rootName(event.target)}${JSON.stringify(event.path)} ${kindOf(event.target)}` +
    ` list=${subs.has(null)} changed=${JSON.stringify(changed)} keys=[${keys}] delta=${showDelta(readDelta(event))}`
}

/** A state vector as text, by ascending client. */
export const showStateVector = (sv) => [...sv].sort((a, b) => a[0] - b[0]).map(([client, clock]) => `${client}:${clock}`).join(' ')
