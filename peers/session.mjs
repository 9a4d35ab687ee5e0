// One session of the differential test: clients, their local edits, and what reaches whom in which order. Each step gives
// lines of text that Inkwire's side compares with its own.
//
// A client lives on both sides, or only here (its updates come from Yjs, perhaps an old one), or only in Go (its steps are
// left out here, and what it sends comes ready in session.feed, by step).

import * as Y from 'yjs'
import { base64, fromBase64, show, dump, showEvent, showDelta, showStateVector, kindOf } from './show.mjs'
import { roots, ask, askAs, pick, edits } from './edit.mjs'

// Yjs remembers positions it has looked up ("search markers"), and where an insertion lands among deleted and format
// items next to its index depends on them. A session that edits on both sides turns them off, which Yjs allows for
// (it does so for XML): then an edit depends on the document alone.
let useMarkers = true
Object.defineProperty(Y.AbstractType.prototype, '_searchMarker', {
  get () { return useMarkers ? this._ownSearchMarker : null },
  set (markers) { this._ownSearchMarker = markers }
})

const versions = new Map([['yjs', Y]])
export const loadVersion = async (name) => {
  if (!versions.has(name)) versions.set(name, await import(name))
  return versions.get(name)
}

class Client {
  constructor (spec) {
    this.spec = spec
    this.Y = versions.get(spec.yjs ?? 'yjs')
    this.lines = []
    this.log = [] // its own updates: {v1, v2}
    this.taken = new Map() // for each other client, how many of its updates have been delivered here in order
    this.snapshots = []
    this.open(spec.id)
  }

  open (id) {
    const doc = new this.Y.Doc({ gc: this.spec.gc, guid: 'document' })
    doc.clientID = id
    this.doc = doc
    this.asked = new Set()
    if (this.spec.early) for (const [, kind] of roots) ask(this, kind)
    if (this.spec.undo !== undefined) {
      this.undo = new this.Y.UndoManager(roots.map(([, kind]) => ask(this, kind)), { captureTimeout: this.spec.undo })
    }
    doc.on('update', (update, origin, _doc, transaction) => {
      this.log.push({ v1: update, v2: null })
      this.lines.push(`u1 ${base64(update)}`)
      if (this.spec.side === 'both') this.lines.push(`by ${transaction.local ? 'local' : 'remote'} ${JSON.stringify(origin)}`)
    })
    doc.on('updateV2', (update) => {
      this.log.at(-1).v2 = update
      this.lines.push(`u2 ${base64(update)}`)
    })
    if (this.spec.side === 'both') this.observe(doc)
  }

  observe (doc) {
    doc.on('afterTransaction', (transaction) => {
      if (this.spec.unclean) transaction._needFormattingCleanup = false
      if (this.spec.quiet) return
      for (const [type, subs] of transaction.changed) {
        if (type._item !== null && type._item.deleted) continue
        const event = transaction.changedParentTypes.get(type)?.find((one) => one.target === type)
        if (event !== undefined) this.lines.push(showEvent(event, subs)) // none for a root nobody has asked for
      }
    })
    doc.on('subdocs', ({ loaded, added, removed }) => {
      const guids = (docs) => [...docs].map((one) => one.guid).sort()
      this.lines.push(`subdocs added=${JSON.stringify(guids(added))} removed=${JSON.stringify(guids(removed))} loaded=${JSON.stringify(guids(loaded))}`)
    })
  }

  update (i, v2) {
    const entry = this.log[i]
    if (!v2) return entry.v1
    return entry.v2 ??= Y.convertUpdateFormatV1ToV2(entry.v1)
  }
}

const apply = (client, update, v2) => (v2 ? client.Y.applyUpdateV2 : client.Y.applyUpdate)(client.doc, update, 'net')

/** The updates that an operation picks from a log: runs of l from n on, or l scattered ones. */
const some = (log, op, v2) => {
  const out = []
  if (log.log.length === 0) return out
  const stride = op.i ?? 1
  for (let j = 0, at = op.n; j < op.l; j++, at += stride) out.push(log.update(at % log.log.length, v2))
  return out
}

// What a step takes from another client. Null: nothing to take, the step does nothing.
const takes = {
  next (to, from, op) {
    const at = to.taken.get(op.f) ?? 0
    if (at >= from.log.length) return null
    to.taken.set(op.f, at + 1)
    return from.update(at, op.v2)
  },
  pick: (_to, from, op) => from.log.length === 0 ? null : from.update(op.n % from.log.length, op.v2),
  state: (_to, from, op) => (op.v2 ? Y.encodeStateAsUpdateV2 : Y.encodeStateAsUpdate)(from.doc),
  sync: (to, from, op) => (op.v2 ? from.Y.encodeStateAsUpdateV2 : from.Y.encodeStateAsUpdate)(from.doc, to.Y.encodeStateVector(to.doc)),
  merge (_to, from, op) {
    const updates = some(from, op, op.v2)
    return updates.length === 0 ? null : (op.v2 ? Y.mergeUpdatesV2 : Y.mergeUpdates)(updates)
  },
  diff (to, from, op) {
    const updates = some(from, op, op.v2)
    if (updates.length === 0) return null
    const sv = to.Y.encodeStateVector(to.doc)
    return op.v2 ? Y.diffUpdateV2(Y.mergeUpdatesV2(updates), sv) : Y.diffUpdate(Y.mergeUpdates(updates), sv)
  },
  since: (_to, from) => from.Y.encodeStateVector(from.doc)
}

const result = (name, f) => {
  let text
  try { text = base64(f()) } catch { text = 'error' }
  return `${name} ${text}`
}

const check = (client) => {
  const { doc, lines } = client
  for (const [name] of roots) {
    if (!client.asked.has(name)) continue
    const type = doc.share.get(name)
    lines.push(`root ${name} ${dump(type)}`, `json ${name} ${show(type.toJSON())}`)
  }
  // Yjs makes a root as soon as it reads a struct that names it, even one that then has to wait.
  const known = [...doc.share].filter(([, type]) => kindOf(type) || type._start || type._map.size > 0)
  lines.push(`roots ${JSON.stringify(known.map(([name]) => name).sort())}`)
  const pending = doc.store.pendingStructs
  lines.push(`pending ${pending === null ? 'none' : showStateVector(pending.missing)}`)
  lines.push(result('sv', () => Y.encodeStateVector(doc)))
  lines.push(result('v1', () => Y.encodeStateAsUpdate(doc)), result('v2', () => Y.encodeStateAsUpdateV2(doc)))
  const snapshot = Y.snapshot(doc)
  lines.push(result('snapshot', () => Y.encodeSnapshot(snapshot)), result('snapshot2', () => Y.encodeSnapshotV2(snapshot)))
}

// The functions on bytes alone, over updates of a client's log (scattered, perhaps repeated) and its state.
const bytes = (client, op) => {
  const { doc, lines } = client
  const one = some(client, op, false)
  const two = some(client, op, true)
  if (one.length === 0) return
  if (op.state) {
    one.push(Y.encodeStateAsUpdate(doc))
    two.push(Y.encodeStateAsUpdateV2(doc))
  }
  const merged = result('merged', () => Y.mergeUpdates(one))
  const merged2 = result('merged2', () => Y.mergeUpdatesV2(two))
  lines.push(merged, merged2)
  const half = result('half', () => Y.encodeStateVectorFromUpdate(one[0]))
  lines.push(half, result('half2', () => Y.encodeStateVectorFromUpdateV2(two[0])))
  if (half.endsWith('error') || merged.endsWith('error') || merged2.endsWith('error')) return
  const sv = fromBase64(half.split(' ')[1])
  const update = fromBase64(merged.split(' ')[1])
  const update2 = fromBase64(merged2.split(' ')[1])
  lines.push(
    result('svof', () => Y.encodeStateVectorFromUpdate(update)), result('svof2', () => Y.encodeStateVectorFromUpdateV2(update2)),
    result('diff', () => Y.diffUpdate(update, sv)), result('diff2', () => Y.diffUpdateV2(update2, sv)),
    result('to2', () => Y.convertUpdateFormatV1ToV2(update)), result('to1', () => Y.convertUpdateFormatV2ToV1(update2))
  )
}

// Steps that only tell something are for clients on both sides.
const telling = new Set(['check', 'bytes', 'since', 'snapdelta', 'fromsnap'])

const steps = {
  check,
  bytes,
  ask: (client, op) => { ask(client, op.t) },
  askas: (client, op) => { askAs(client, op.s, op.t) },
  strain: () => {}, // for the other side alone
  load (client, op) {
    const docs = [...client.doc.subdocs].sort((a, b) => a.guid < b.guid ? -1 : 1)
    if (docs.length > 0) docs[op.n % docs.length].load()
  },
  undo: (client) => { client.undo?.undo() },
  redo: (client) => { client.undo?.redo() },
  stop: (client) => { client.undo?.stopCapturing() },
  since (client, _op, sv) {
    client.lines.push(result('since', () => Y.encodeStateAsUpdate(client.doc, sv)), result('since2', () => Y.encodeStateAsUpdateV2(client.doc, sv)))
  },
  // A fresh document from the encoded state, under a client id of its own.
  reload (client, op) {
    const state = (op.v2 ? client.Y.encodeStateAsUpdateV2 : client.Y.encodeStateAsUpdate)(client.doc)
    client.open(op.id)
    apply(client, state, op.v2)
  },
  snap (client) { client.snapshots.push(Y.encodeSnapshot(Y.snapshot(client.doc))) },
  // A text as a delta between two snapshots. Only without collection: what is collected can't be shown.
  snapdelta (client, op) {
    if (client.spec.gc || client.snapshots.length === 0) return
    const at = (n) => Y.decodeSnapshot(client.snapshots[n % client.snapshots.length])
    const text = pick(client, op.t, op.n)
    client.lines.push(`snapdelta ${showDelta(text.toDelta(at(op.i), op.l === 0 ? undefined : at(op.l)))}`)
  },
  fromsnap (client, op) {
    if (client.spec.gc || client.snapshots.length === 0) return
    const doc = new Y.Doc({ gc: op.l % 2 === 0, guid: 'document' })
    doc.clientID = op.id
    Y.createDocFromSnapshot(client.doc, Y.decodeSnapshot(client.snapshots[op.n % client.snapshots.length]), doc)
    client.lines.push(result('fromsnap', () => Y.encodeStateAsUpdate(doc)))
  },
  // A relative position: made here, and looked up again by whoever has the step 'find'.
  mark (client, op, _arg, session) {
    const type = pick(client, op.t, op.n)
    const position = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(type, op.i % ((type.length ?? 0) + 1), op.l - 1))
    session.positions.push(position)
    client.lines.push(`mark ${base64(position)}`)
  },
  find (client, _op, position) {
    const decoded = Y.decodeRelativePosition(position)
    // Yjs would make a root without a kind; Inkwire gives no type that nobody has asked for.
    const unknown = decoded.item === null && decoded.tname !== null && !client.doc.share.has(decoded.tname)
    const found = unknown ? null : Y.createAbsolutePositionFromRelativePosition(decoded, client.doc)
    const kind = found && kindOf(found.type)
    if (!kind) return client.lines.push('find none')
    const at = found.type._item === null ? 'root' : `${found.type._item.id.client}:${found.type._item.id.clock}`
    client.lines.push(`find ${kind} ${at} ${found.index} ${found.assoc}`)
  }
}

/** Runs a session; gives the lines of each step. */
export const runSession = async (session) => {
  for (const spec of session.clients) await loadVersion(spec.yjs ?? 'yjs')
  useMarkers = session.markers
  session.positions = []
  const clients = session.clients.map((spec) => spec.side === 'go' ? null : new Client(spec))
  return session.ops.map((op, at) => {
    const client = clients[op.c]
    if (client === null || (telling.has(op.k) && client.spec.side !== 'both')) return []
    client.lines = []
    let arg
    if (op.k in takes || op.k === 'find') {
      const ready = session.feed?.[at]
      try {
        if (ready !== undefined) arg = ready === 'none' ? null : fromBase64(ready)
        else if (op.k === 'find') arg = session.positions.length === 0 ? null : session.positions[op.n % session.positions.length]
        else arg = takes[op.k](client, clients[op.f], op)
      } catch {
        client.lines.push('arg error')
        return client.lines
      }
      client.lines.push(`arg ${arg === null ? 'none' : base64(arg)}`)
      if (arg === null) return client.lines
    }
    try {
      if (op.k in edits) edits[op.k](client, op)
      else if (op.k in steps) steps[op.k](client, op, arg, session)
      else apply(client, arg, op.v2)
    } catch (error) {
      client.lines.push('error')
      if (client.spec.yjs === undefined) console.error(`session ${session.kind}/${session.seed}, step ${at} (${op.k}):`, error)
    }
    return client.lines
  })
}
