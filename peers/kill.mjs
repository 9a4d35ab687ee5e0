// Twenty real clients of all kinds that write into five documents, while the Go test beside the program kills the server and
// starts it again between the lines.
//
//   node kill.mjs SERVER SEED KINDS TRACE...
//
// KINDS are the clients' kinds with commas between; the clients take them in turns. A TRACE is a file of recorded keystrokes;
// without one they type generated ones.
//
//   out: ready               all are in sync
//   in:  type N              they type N edits together ...
//   out: typed               ... have done so, and type on
//   in:  down                the server is gone: all close their sockets, and write a little more, offline
//   out: away EDITS          nobody comes back before the next line; EDITS of theirs are acknowledged so far
//   in:  codes               with which codes were the last sockets closed?
//   out: codes CODE...
//   in:  up                  the server is there again: a fresh client looks for all that was acknowledged
//   out: found EDITS         it has all of it; the writers come back
//   in:  end                 all stop typing
//   out: converged EDITS     all clients of each document, and a fresh one, have the same state
//   in:  again               the server was started once more: another fresh one
//   out: same
//
// It ends with status 1 and a reason if something is missing or differs, or a time is over.

import { createInterface } from 'node:readline'
import * as Y from 'yjs'
import { kinds, open, warned } from './clients.mjs'
import { readTrace } from './trace.mjs'
import { patcher } from './typing.mjs'

const [server, seed, chosen, ...sources] = process.argv.slice(2)
const documents = ['one', 'two/2', 'a text 100%', 'vier', 'пять']
const writersOfEach = 4

/** A generator of numbers below a bound (mulberry32). */
const generator = (state) => (below) => {
  state = state + 0x6d2b79f5 | 0
  let x = Math.imul(state ^ state >>> 15, 1 | state)
  x = x + Math.imul(x ^ x >>> 7, 61 | x) ^ x
  return Math.floor(((x ^ x >>> 14) >>> 0) / 4294967296 * below)
}
const random = generator(Number(seed))

const fail = (message) => { throw new Error(message) }

/** The traces of one writer among the sources, each read once. */
const traces = (sources.length > 0 ? sources : ['']).map(readTrace).filter(({ kind }) => kind !== 'concurrent')

/**
 * A client that types a trace into a text of its own, which nobody else touches, and writes at random into the document's
 * shared text, together with the others.
 */
class Writer {
  constructor (client, number) {
    this.client = client
    this.own = client.doc.getText(`text ${number}`)
    this.shared = client.doc.getText('shared')
    this.trace = traces[number % traces.length]
    this.patch = patcher(this.trace)
    this.at = 0
    // What of this client's own making was acknowledged: clocks below acked, and these deletions.
    this.acked = 0
    this.ackedDeletes = Y.createDeleteSet()
    this.deletes = []
    client.doc.on('afterTransaction', ({ local, deleteSet }) => {
      if (local && deleteSet.clients.size > 0) this.deletes.push(deleteSet)
    })
    if (client.acknowledged) {
      client.provider.on('unsyncedChanges', () => {
        if (client.unsaved < 0) fail(`${client.label} counts ${client.unsaved} unsaved edits`)
        if (client.unsaved > 0) return
        this.acked = Y.getState(client.doc.store, client.doc.clientID)
        if (this.deletes.length > 0) {
          this.ackedDeletes = Y.mergeDeleteSets([this.ackedDeletes, ...this.deletes])
          this.deletes = []
        }
      })
    }
  }

  type () {
    const { own, shared, trace } = this
    if (random(3) > 0) {
      if (this.at === trace.txns.length) this.at = 0 // typed once: it begins again, in front of the text
      const { patches } = trace.txns[this.at++]
      this.client.doc.transact(() => this.patch(own, patches))
      return
    }
    const position = random(shared.length + 1)
    const rest = shared.length - position
    switch (random(4)) {
      case 0: return shared.delete(position, Math.min(random(8), rest))
      case 1: return shared.format(position, Math.min(random(12), rest), { bold: random(2) === 0 ? true : null })
      // No surrogate pairs: an edit between the halves of one makes clients of Yjs differ.
      default: return shared.insert(position, ['ink', 'wire ', 'für ', '文書', '\n'][random(5)])
    }
  }

  /** The number of this client's acknowledged edits that the document lacks is 0, or this throws. */
  check (doc) {
    const { doc: { clientID }, label, name } = this.client
    const has = Y.getState(doc.store, clientID)
    if (has < this.acked) fail(`"${name}" lost ${this.acked - has} of ${this.acked} acknowledged edits of ${label}`)
    const { ds } = Y.snapshot(doc)
    for (const [client, ranges] of this.ackedDeletes.clients) {
      for (const { clock, len } of ranges) {
        for (let at = clock; at < clock + len; at++) {
          if (!Y.isDeleted(ds, Y.createID(client, at))) fail(`"${name}" lost an acknowledged deletion by ${label}`)
        }
      }
    }
  }
}

const writers = []
let typed = 0 // edits so far, by all
let typing = Promise.resolve()
let stopped = true

/** Types on until stopped; reached() is called once typed has come to goal. */
const type = async (goal, reached) => {
  while (!stopped) {
    const writer = writers[random(writers.length)]
    for (let i = random(4); i >= 0; i--) {
      writer.type()
      if (++typed === goal) reached()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const acknowledged = () => writers.reduce((sum, { acked }) => sum + acked, 0)

let opened = 0
const fresh = async (name) => {
  const client = await open(all[opened++ % all.length], server, name)
  client.label = `a fresh ${client.kind}`
  await client.untilSynced()
  return client
}

const all = chosen.split(',')
for (const kind of all) if (!kinds.includes(kind)) fail(`no such client: ${kind}`)

const differ = (a, b) => {
  if (Buffer.compare(Y.encodeStateVector(a), Y.encodeStateVector(b)) !== 0) return 'another state vector'
  if (!Y.equalSnapshots(Y.snapshot(a), Y.snapshot(b))) return 'another state'
  for (const name of new Set([...a.share.keys(), ...b.share.keys()])) {
    if (JSON.stringify(a.getText(name).toDelta()) !== JSON.stringify(b.getText(name).toDelta())) return `another "${name}"`
  }
  return null
}

/** Resolves once the client's document equals the other's. */
const equal = (client, other) =>
  client.until(`it equals ${other.label}`, () => client.synced && differ(client.doc, other.doc) === null, { after: 200, other })
    .catch((err) => fail(`${err.message}; it has ${differ(client.doc, other.doc)}`))

const steps = {
  async type (count) {
    const goal = typed + Number(count)
    stopped = false
    await new Promise((resolve, reject) => { typing = type(goal, resolve).catch(reject) })
    return 'typed'
  },

  async down () {
    stopped = true
    // Providers may come back by themselves at any moment.
    for (const { client } of writers) client.line.away = true
    await typing
    // What came before the end is read before the socket closes.
    await Promise.all(writers.map(({ client }) => client.until('its socket is closed', () => client.down)))
    for (const { client } of writers) client.disconnect()
    for (let i = 0; i < 100; i++) writers[random(writers.length)].type()
    return `away ${acknowledged()}`
  },

  async codes () {
    return `codes ${[...new Set(writers.map(({ client }) => client.closes.findLast(({ opened }) => opened).code))].join(' ')}`
  },

  async up () {
    for (const name of documents) {
      const reader = await fresh(name)
      for (const writer of writers) if (writer.client.name === name) writer.check(reader.doc)
      reader.leave()
    }
    const found = acknowledged()
    for (const { client } of writers) {
      client.line.away = false
      client.connect()
    }
    await Promise.all(writers.map(({ client }) => client.untilSynced()))
    return `found ${found}`
  },

  async end () {
    stopped = true
    await typing
    for (const { client } of writers) {
      if (client.acknowledged) await client.until('everything is saved', () => client.unsaved === 0)
    }
    await steps.again()
    return `converged ${typed}`
  },

  async again () {
    for (const name of documents) {
      const own = writers.filter(({ client }) => client.name === name)
      for (const { client } of own) {
        await client.untilSynced()
        await equal(client, own[0].client)
      }
      const reader = await fresh(name)
      await equal(reader, own[0].client)
      for (const writer of own) writer.check(reader.doc)
      reader.leave()
    }
    return 'same'
  }
}

const main = async () => {
  for (let i = 0; i < documents.length * writersOfEach; i++) {
    const client = await open(all[i % all.length], server, documents[Math.floor(i / writersOfEach)])
    client.label = `writer ${i} (${client.kind})`
    writers.push(new Writer(client, i))
  }
  await Promise.all(writers.map(({ client }) => client.untilSynced()))
  console.log('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [step, ...args] = line.split(' ')
    console.log(await steps[step](...args))
  }
  if (warned.length > 0) fail(`a client warned: ${warned[0]}`)
}

process.on('uncaughtException', (err) => {
  process.stdout.write(`failed: ${err.stack}\n`)
  process.exit(1)
})
main().catch((err) => {
  process.stdout.write(`failed: ${err.message}\n`)
  process.exitCode = 1
}).finally(() => process.exit())
