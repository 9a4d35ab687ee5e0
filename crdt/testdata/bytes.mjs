// Makes bytes.jsonl.gz: random updates, and what yjs 13.6.33 makes of them without a document.
//
//   cd peers && npm ci && node ../crdt/testdata/bytes.mjs SEED ROUNDS FILE
//
// A line is a case: op, its inputs `in` and the result `want`, bytes in base64. Half of the rounds are what documents
// send. The others are written by hand, in forms that yjs reads but doesn't write: long integers, values and JSON in other
// forms, repeated keys, gaps, overlaps, sections in any order, GC structs in the place of items.

import { createRequire } from 'node:module'
import { createWriteStream } from 'node:fs'
import { createGzip } from 'node:zlib'

const require = createRequire(process.cwd() + '/')
const Y = require('yjs')
const encoding = require('lib0/encoding')
const prng = require('lib0/prng')

const [seed, rounds, file] = process.argv.slice(2)
const random = prng.create(Number(seed))
const int = (min, max) => prng.int32(random, min, max)
const pick = list => list[int(0, list.length - 1)]
const times = (n, make) => Array.from({ length: n }, make)
const oneIn = n => int(1, n) === 1
const base64 = bytes => Buffer.from(bytes).toString('base64')
const attempt = f => { try { return f() } catch { return null } }

const zip = createGzip({ level: 9 })
zip.pipe(createWriteStream(file))
const record = (op, inputs, f) => {
  const want = attempt(f)
  if (want !== null) zip.write(JSON.stringify({ op, in: inputs.map(base64), want: base64(want) }) + '\n')
}

const texts = ['a', 'hello ', 'ü', '日本', '😀', 'x😀y', '\n', '"q"', '\\', '\u0001', '\u2028', 'text of more than twenty', '😀😀😀']
const numbers = [0.5, -0, 1e21, 1e-7, 123456789.125, 2 ** 31, -(2 ** 31), 2 ** 53, 1.1, NaN, 0 / int(0, 0), Infinity, -Infinity, 5e-324, 16777217, 4294967296.5]

// ---- what documents send

const value = (depth = 0) => {
  switch (int(0, depth > 2 ? 9 : 12)) {
    case 0: return null
    case 1: return oneIn(2)
    case 2: return int(-5, 5)
    case 3: return int(-2147483647, 2147483647)
    case 4: return pick(numbers)
    case 5: case 6: return pick(texts)
    case 7: return ''
    case 8: return new Uint8Array([1, 2, 255])
    case 9: return undefined
    case 10: return times(int(0, 3), () => value(depth + 1))
    default: return Object.fromEntries(times(int(0, 5), () => [pick(['b', 'a', '10', '2', 'ü', '', 'long key', '01', 'q"']), value(depth + 1)]))
  }
}
const defined = () => value() ?? null
const type = () => pick([
  () => new Y.Text(), () => new Y.Array(), () => new Y.Map(), () => new Y.XmlElement(pick(['p', 'ü'])), () => new Y.XmlFragment(),
  () => new Y.XmlText(), () => new Y.XmlHook('hook'), () => new Y.Doc(pick([{}, { gc: false }, { autoLoad: true, meta: { x: 1 } }]))
])()

const typesOf = doc => {
  const found = [doc.getText('t'), doc.getArray('a'), doc.getMap('m'), doc.getXmlFragment('x'), doc.getText('😀')]
  const visit = child => { if (child instanceof Y.AbstractType) found.push(child) }
  for (let i = 0; i < found.length && i < 60; i++) {
    if (found[i] instanceof Y.Array || found[i] instanceof Y.XmlFragment) found[i].toArray().forEach(visit)
    else if (found[i] instanceof Y.Map) found[i].forEach(visit)
  }
  return found
}

const editText = (text, at) => {
  const attributes = { [pick(['bold', 'em', 'ü'])]: pick([true, null, defined(), 'x']) }
  switch (int(0, 5)) {
    case 0: case 1: return text.insert(at, pick(texts), oneIn(2) ? undefined : attributes)
    case 2: return text.delete(at, int(0, text.length - at))
    case 3: return text.format(at, int(0, text.length - at), attributes)
    case 4: return text.insertEmbed(at, defined() || new Y.Map(), {})
    default: return text.setAttribute(pick(['p', 'q']), defined())
  }
}
const edit = doc => {
  const target = pick(typesOf(doc))
  const at = int(0, target.length ?? 0)
  if (target instanceof Y.Text) editText(target, at)
  else if (target instanceof Y.Map) {
    const key = pick(['k', 'l', '1', 'ü'])
    pick([() => target.set(key, value()), () => target.set(key, type()), () => target.delete(key)])()
  } else if (oneIn(4)) target.delete(at, int(0, target.length - at))
  else if (target instanceof Y.Array) target.insert(at, pick([() => times(int(1, 4), defined), () => [type()]])())
  else {
    target.insert(at, [oneIn(2) ? new Y.XmlElement('e') : new Y.XmlText('w')])
    if (target instanceof Y.XmlElement) target.setAttribute(pick(['k', 'l']), pick(texts))
  }
}

const fromDocuments = () => {
  const docs = times(int(1, 4), () => {
    const doc = new Y.Doc({ gc: !oneIn(4) })
    doc.clientID = pick([2 ** 40 + int(0, 1000), int(0, 200), int(0, 2147483647)])
    return doc
  })
  const v1 = []
  const v2 = []
  for (const doc of docs) {
    doc.on('update', update => v1.push(update))
    doc.on('updateV2', update => v2.push(update))
  }
  for (let i = int(3, 30); i > 0; i--) {
    const doc = pick(docs)
    doc.transact(() => times(int(1, 3), () => edit(doc)))
    if (oneIn(4)) {
      const other = pick(docs)
      const update = Y.encodeStateAsUpdateV2(doc, Y.encodeStateVector(other))
      Y.applyUpdateV2(other, update)
      v2.push(update)
      v1.push(Y.encodeStateAsUpdate(doc))
    } else if (v1.length > 0 && oneIn(6)) Y.applyUpdate(pick(docs), pick(v1))
  }
  return { docs, v1, v2 }
}

const stateVector = (update, parse) => {
  const known = new Map()
  for (const [client, clock] of parse(update).to) if (!oneIn(4)) known.set(client, int(0, clock + 1))
  return Y.encodeStateVector(known)
}

const recordDocuments = () => {
  const { docs, v1, v2 } = fromDocuments()
  if (v1.length === 0 || v2.length === 0) return
  const some = times(int(2, 8), () => pick(v1))
  const someV2 = times(int(2, 8), () => pick(v2))
  record('merge', some, () => Y.mergeUpdates(some))
  record('mergeV2', someV2, () => Y.mergeUpdatesV2(someV2))
  const update = oneIn(2) ? pick(v1) : Y.mergeUpdates(some)
  const state = Y.encodeStateAsUpdateV2(pick(docs))
  const known = stateVector(update, Y.parseUpdateMeta)
  const knownV2 = stateVector(state, Y.parseUpdateMetaV2)
  record('diff', [update, known], () => Y.diffUpdate(update, known))
  record('diffV2', [state, knownV2], () => Y.diffUpdateV2(state, knownV2))
  record('toV2', [update], () => Y.convertUpdateFormatV1ToV2(update))
  record('toV1', [state], () => Y.convertUpdateFormatV2ToV1(state))
  record('stateVector', [update], () => Y.encodeStateVectorFromUpdate(update))
  record('stateVectorV2', [state], () => Y.encodeStateVectorFromUpdateV2(state))
  const snapshot = Y.snapshot(pick(docs))
  record('snapshot', [Y.encodeSnapshot(snapshot)], () => Y.encodeSnapshot(snapshot))
  record('snapshotV2', [Y.encodeSnapshotV2(snapshot)], () => Y.encodeSnapshotV2(snapshot))
}

// ---- what is written by hand

// An integer, now and then with a byte too many.
const uint = (e, n) => {
  if (!oneIn(10)) return encoding.writeVarUint(e, n)
  for (; n > 127; n = Math.floor(n / 128)) encoding.write(e, 128 | (n & 127))
  encoding.write(e, 128 | n)
  encoding.write(e, 0)
}
const string = (e, s) => {
  const bytes = Buffer.from(s)
  uint(e, bytes.length)
  encoding.writeUint8Array(e, bytes)
}
const any = (e, depth = 0) => {
  const tag = depth > 2 ? int(119, 127) : int(116, 127)
  encoding.write(e, tag)
  switch (tag) {
    case 116: return encoding.writeVarUint8Array(e, new Uint8Array([3, 4]))
    case 117: { const n = int(0, 3); uint(e, n); return times(n, () => any(e, depth + 1)) }
    case 118: { const n = int(0, 10); uint(e, n); return times(n, () => { string(e, pick(['a', 'b', '2', '10', '1', '_', 'c', '4294967295', '4294967294', '00', 'z'])); any(e, depth + 1) }) }
    case 119: return string(e, pick(texts))
    case 122: return encoding.writeBigInt64(e, BigInt(int(-9, 9)))
    case 123: return encoding.writeFloat64(e, pick([1, 2 ** 31 - 1, 1e300, -7, ...numbers]))
    case 124: return encoding.writeFloat32(e, pick([1, 0.5, -0, NaN, 2 ** 31, 1e30, -Infinity, -7]))
    case 125: return encoding.writeVarInt(e, pick([0, -0, 5, -64, 64, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 40 + 1, 2 ** 53 - 1]))
  }
}
const json = ['1', ' 1', '1.0', '1e3', '1E400', '-0', '0.1', '1e-7', '1e21', '123456789012345678', '"a"', '"\\u0041\\ud83d\\ude00\\ud83d"', '"\\udc00\\/"', '"\\u001f\\u000a\\n"', 'true', 'null', '[]', '[ 1 , 2 ]', '{"b":1,"a":2}', '{"2":1,"1":2,"a":3,"a":4}', '{"__proto__":{"x":1},"y":2}', '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"a":0}', '"\u2028\u007f"', '{"\\u0061":1,"a":2}', '\t{"k"\n:\r"v"}']
const clients = [1, 2, 3, 500, 2 ** 41]

const id = (e, client, clock) => {
  const other = { client: pick(clients), clock: int(0, 20) }
  const known = other.client !== client || other.clock < clock
  uint(e, known ? other.client : 7)
  uint(e, other.clock)
}

// Writes an item's content and returns its length.
const content = (e, kind) => {
  const n = int(1, 4)
  switch (kind) {
    case 1: uint(e, n); return n
    case 2: uint(e, n); times(n, () => string(e, pick([...json, 'undefined']))); return n
    case 3: encoding.writeVarUint8Array(e, new Uint8Array([1, 2, 3])); return 1
    case 4: { const text = pick(texts); string(e, text); return text.length }
    case 5: string(e, pick(json)); return 1
    case 6: string(e, pick(['bold', 'ü', ''])); string(e, pick(json)); return 1
    case 7: { const ref = int(0, 6); uint(e, ref); if (ref === 3 || ref === 5) string(e, pick(['p', ''])); return 1 }
    case 8: uint(e, n); times(n, () => any(e)); return n
    default: {
      string(e, 'guid')
      encoding.write(e, 118)
      uint(e, n)
      times(n, () => { string(e, pick(['gc', 'autoLoad', 'meta', 'other', 'shouldLoad'])); any(e) })
      return 1
    }
  }
}
const struct = (e, client, clock) => {
  const kind = pick([0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 8, 9, 10])
  if (kind === 0 || kind === 10) {
    const length = int(1, 4)
    encoding.write(e, kind === 10 ? 10 : pick([0, 0, 0x80, 0x20]))
    uint(e, length)
    return length
  }
  const info = kind | pick([0, 0x80, 0x40, 0xc0]) | pick([0, 0x20])
  encoding.write(e, info)
  if (info & 0x80) id(e, client, clock)
  if (info & 0x40) id(e, client, clock)
  if (!(info & 0xc0)) {
    if (oneIn(2)) { uint(e, 1); string(e, pick(['t', 'a', '', '😀'])) } else { uint(e, pick([0, 2])); id(e, client, clock) }
    if (info & 0x20) string(e, pick(['k', '', 'ü']))
  }
  return content(e, kind)
}
const byHand = () => encoding.encode(e => {
  const sections = int(0, 4)
  uint(e, sections)
  times(sections, () => {
    const client = pick(clients)
    const structs = int(0, 5)
    let clock = oneIn(3) ? int(0, 6) : 0
    uint(e, structs)
    uint(e, client)
    uint(e, clock)
    times(structs, () => { clock += struct(e, client, clock) })
  })
  const deleting = int(0, 3)
  uint(e, deleting)
  times(deleting, () => {
    const ranges = int(0, 3)
    uint(e, pick(clients))
    uint(e, ranges)
    let clock = 0
    times(ranges, () => {
      clock = oneIn(4) ? int(0, 30) : clock + int(0, 5)
      const length = int(1, 5)
      uint(e, clock)
      uint(e, length)
      clock += length
    })
  })
  if (oneIn(6)) encoding.write(e, 77) // ignored
})

// V2 in which a key that comes again is given by its number.
class Repeating extends Y.UpdateEncoderV2 {
  writeKey (key) {
    const number = this.keyMap.get(key) ?? this.keyClock
    this.keyClockEncoder.write(number)
    if (number < this.keyClock) return
    this.keyMap.set(key, this.keyClock++)
    this.stringEncoder.write(key)
  }
}
// V2 can't hold the ranges of a client out of order; yjs then writes nonsense.
const ordered = update => [...Y.decodeUpdate(update).ds.clients.values()]
  .every(ranges => ranges.every((range, i) => i === 0 || ranges[i - 1].clock + ranges[i - 1].len <= range.clock))

const recordByHand = () => {
  const updates = times(int(2, 6), byHand)
  const [update] = updates
  record('merge', updates, () => Y.mergeUpdates(updates))
  const known = attempt(() => stateVector(update, Y.parseUpdateMeta)) ?? new Uint8Array([0])
  record('diff', [update, known], () => Y.diffUpdate(update, known))
  record('stateVector', [update], () => Y.encodeStateVectorFromUpdate(update))
  const v2 = updates.filter(u => attempt(() => ordered(u))).map(u => attempt(() => Y.convertUpdateFormatV1ToV2(u))).filter(u => u)
  if (v2.length === 0) return
  if (attempt(() => ordered(update))) record('toV2', [update], () => Y.convertUpdateFormatV1ToV2(update))
  record('toV1', [v2[0]], () => Y.convertUpdateFormatV2ToV1(v2[0]))
  record('stateVectorV2', [v2[0]], () => Y.encodeStateVectorFromUpdateV2(v2[0]))
  v2.push(v2[0])
  record('mergeV2', v2, () => Y.mergeUpdatesV2(v2))
  const repeating = attempt(() => Y.mergeUpdatesV2(v2, Y.UpdateDecoderV2, Repeating))
  if (repeating) record('toV1', [repeating], () => Y.convertUpdateFormatV2ToV1(repeating))
}

// Many inputs with GC structs and items at the same places, where the order depends on how V8 sorts.
const recordTies = () => {
  const spread = int(1, 30)
  const updates = times(pick([int(2, 8), int(20, 80), int(60, 300)]), (_, k) => encoding.encode(e => {
    const sections = int(1, 2)
    encoding.writeVarUint(e, sections)
    times(sections, (_, section) => {
      const structs = int(1, 3)
      encoding.writeVarUint(e, structs)
      encoding.writeVarUint(e, section === 0 ? int(3, 4) : int(1, 2))
      encoding.writeVarUint(e, int(0, spread))
      times(structs, () => {
        const length = int(1, 3)
        const kind = pick([0, 0, 0, 4, 4, 4, 4, 4, 10])
        encoding.write(e, kind)
        if (kind !== 4) return encoding.writeVarUint(e, length)
        encoding.writeVarUint(e, 1)
        encoding.writeVarString(e, 't')
        encoding.writeVarString(e, String(k).slice(-length).padEnd(length, 'x'))
      })
    })
    encoding.writeVarUint(e, 0)
  }))
  record('merge', updates, () => Y.mergeUpdates(updates))
}

for (let round = 0; round < Number(rounds); round++) {
  if (round % 2 === 0) recordDocuments()
  else recordByHand()
  if (round % 10 === 0) recordTies()
}
zip.end()
