// The updates of a recorded editing trace, one for each character inserted or deleted, as Yjs's 'update' event gives them.

import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'

/** Reads a trace as the editing-traces repository stores it (gzipped JSON); without a path, generates one. */
export const readTrace = (path) => path === '' ? generateTrace(12_000) : JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'))

/** A writer who mostly types on, sometimes deletes, and sometimes goes elsewhere. The same for the same count. */
export const generateTrace = (count) => {
  let state = 1
  const random = (below) => { // Lehmer's generator, as MINSTD
    state = state * 48271 % 2147483647
    return state % below
  }
  const txns = []
  for (let i = 0, length = 0, cursor = 0; i < count; i++) {
    if (random(100) < 4) cursor = random(length + 1)
    if (cursor > 0 && random(100) < 25) {
      cursor--
      length--
      txns.push({ patches: [[cursor, 1, '']] })
    } else {
      txns.push({ patches: [[cursor, 0, 'etaoin shrdlu\n'[random(14)]]] })
      cursor++
      length++
    }
  }
  return { kind: 'sequential', txns }
}

const beyondUTF16Unit = /[\ud800-\udfff]/

/**
 * Types a trace into Yjs documents and calls emit with each update, in an order in which they can be applied. Positions
 * in traces count code points: those beyond one UTF-16 unit are refused, no trace has them.
 */
export const typeTrace = (Y, trace, emit) => {
  const peer = (id) => {
    const doc = new Y.Doc()
    doc.clientID = id
    const text = doc.getText('text')
    doc.on('update', (update, origin) => { if (origin !== 'other') emit(update) })
    return { doc, text }
  }
  const patch = (text, patches) => {
    for (const [position, deleted, inserted] of patches) {
      if (beyondUTF16Unit.test(inserted)) throw new Error('the trace has a code point beyond one UTF-16 unit')
      for (let i = 0; i < deleted; i++) text.delete(position, 1)
      for (let i = 0; i < inserted.length; i++) text.insert(position + i, inserted[i])
    }
  }
  if (trace.kind !== 'concurrent') {
    const { text } = peer(1)
    for (const txn of trace.txns) patch(text, txn.patches)
    return text.toString()
  }
  // Concurrent: each transaction is typed by its agent in exactly the state of its parents.
  const agents = []
  for (let i = 0; i < trace.numAgents; i++) agents.push({ ...peer(i + 1), seen: new Set() })
  const made = trace.txns.map(() => [])
  let current = null
  const record = (update, origin) => { if (origin !== 'other') made[current].push(update) }
  for (const { doc } of agents) doc.on('update', record)
  const see = (agent, at) => {
    const wanted = []
    for (const stack = [...at]; stack.length > 0;) {
      const txn = stack.pop()
      if (agent.seen.has(txn)) continue
      agent.seen.add(txn)
      wanted.push(txn)
      stack.push(...trace.txns[txn].parents)
    }
    for (const txn of wanted.sort((a, b) => a - b)) {
      for (const update of made[txn]) Y.applyUpdate(agent.doc, update, 'other')
    }
  }
  trace.txns.forEach((txn, at) => {
    const agent = agents[txn.agent]
    see(agent, txn.parents)
    current = at
    patch(agent.text, txn.patches)
    agent.seen.add(at)
  })
  const last = agents[0]
  see(last, trace.txns.map((_, at) => at))
  return last.text.toString()
}
