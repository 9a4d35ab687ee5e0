// One job of the benchmark with Yjs: node --expose-gc yjs.mjs JOB FOLDER NAME. Prints what it measured as JSON, with a
// hash of the result, which must be the same as Inkwire's. jobs.go has the same jobs.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as Y from 'yjs'
import { read } from './files.mjs'

const [, , job, folder, name] = process.argv

const open = () => {
  const doc = new Y.Doc()
  doc.getText('text') // asked for, so that format clean-up is on
  return doc
}

const load = (state) => {
  const doc = open()
  Y.applyUpdate(doc, state)
  return doc
}

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex')

const timed = (f) => {
  const start = performance.now()
  const value = f()
  return [performance.now() - start, value]
}

/** The middle of many repetitions, the first ones left out. */
const repeated = (times, f) => {
  const all = []
  for (let i = 0; i < times; i++) all.push(timed(f)[0])
  return all.slice(times / 4).sort((a, b) => a - b)[Math.floor(times * 3 / 8)]
}

const heap = async () => {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve)) // lets go of what the last turn still held
    globalThis.gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const updates = () => read(join(folder, `${name}.updates`))
const state = () => read(join(folder, `${name}.state`))[0]

/** How many documents the memory of one is measured with. */
const copies = 8

const jobs = {
  apply () {
    const all = updates()
    const doc = open()
    const [ms] = timed(() => { for (const update of all) Y.applyUpdate(doc, update) })
    return { ms, ops: all.length, hash: hash(Y.encodeStateAsUpdate(doc)) }
  },
  merge () {
    const all = updates().slice(0, 10_000)
    const [ms, merged] = timed(() => Y.mergeUpdates(all))
    return { ms, ops: all.length, hash: hash(merged) }
  },
  'load-first' () {
    const bytes = state()
    const [ms, doc] = timed(() => load(bytes))
    return { ms, ops: 1, hash: hash(Y.encodeStateAsUpdate(doc)) }
  },
  'load-warm' () {
    const bytes = state()
    return { ms: repeated(40, () => load(bytes)), ops: 1, hash: hash(Y.encodeStateAsUpdate(load(bytes))) }
  },
  encode () {
    const doc = load(state())
    return { ms: repeated(40, () => Y.encodeStateAsUpdate(doc)), ops: 1, hash: hash(Y.encodeStateAsUpdate(doc)) }
  },
  snapshot () {
    const doc = load(state())
    const f = () => Y.encodeSnapshot(Y.snapshot(doc))
    return { ms: repeated(40, f), ops: 1, hash: hash(f()) }
  },
  vector () {
    const bytes = state()
    const f = () => Y.encodeStateVectorFromUpdate(bytes)
    return { ms: repeated(40, f), ops: 1, hash: hash(f()) }
  },
  async memory () {
    const bytes = state()
    load(bytes) // what a first load compiles and caches isn't the document's
    const before = await heap()
    const docs = Array.from({ length: copies }, () => load(bytes))
    const after = await heap()
    return { bytes: (after - before) / copies, ops: 1, hash: hash(Y.encodeStateAsUpdate(docs[0])) }
  }
}

console.log(JSON.stringify(await jobs[job]()))
