// The long-lived Node process beside Inkwire's differential test: one JSON request a line in, one JSON answer a line out.

import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import * as Y from 'yjs'
import { runSession } from './session.mjs'
import { readTrace, typeTrace } from './trace.mjs'
import { base64, fromBase64, showStateVector } from './show.mjs'
import { roots, ask } from './edit.mjs'

// Yjs and lib0 print; standard output belongs to the answers.
for (const level of ['log', 'info', 'warn']) console[level] = console.error

const structText = (struct) => {
  const id = (one) => one === null || one === undefined ? '-' : `${one.client}:${one.clock}`
  const name = struct.constructor.name
  if (name !== 'Item') return `${name} ${id(struct.id)} length ${struct.length}`
  const parent = typeof struct.parent === 'string' ? struct.parent : struct.parent === null ? '-' : id(struct.parent)
  const { content } = struct
  const text = JSON.stringify(content.str ?? content.arr ?? content.embed ?? (content.key !== undefined ? { [content.key]: content.value } : content.len ?? content.type?.constructor.name ?? null),
    (_key, value) => typeof value === 'bigint' ? `${value}n` : value)
  return `Item ${id(struct.id)} length ${struct.length} origin ${id(struct.origin)} right ${id(struct.rightOrigin)} parent ${parent} sub ${struct.parentSub} ${content.constructor.name} ${text}`
}

/** An update in words, for reports of failures. */
const explain = (update, v2) => {
  const { structs, ds } = (v2 ? Y.decodeUpdateV2 : Y.decodeUpdate)(update)
  const lines = structs.map(structText)
  for (const [client, ranges] of ds.clients) lines.push(`deletes ${client}: ${ranges.map(({ clock, len }) => `${clock}+${len}`).join(' ')}`)
  return lines
}

// The updates of a trace as a file: a 32-bit big-endian length before each. The answer tells what they come to.
const trace = async ({ path, out }) => {
  const file = createWriteStream(out)
  const updates = []
  const text = typeTrace(Y, readTrace(path), (update) => updates.push(update))
  const doc = new Y.Doc()
  doc.clientID = 0
  doc.getText('text') // asked for, so that format clean-up is on
  for (const update of updates) {
    Y.applyUpdate(doc, update)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(update.length)
    file.write(header)
    if (!file.write(update)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  return { count: updates.length, text, v1: base64(Y.encodeStateAsUpdate(doc)), v2: base64(Y.encodeStateAsUpdateV2(doc)), snapshot: base64(Y.encodeSnapshot(Y.snapshot(doc))) }
}

// What a client comes to that gets some updates, one after the other: its state, encoded by one that has loaded it (where
// items end depends on how they came), and its state vector.
const load = (updates) => {
  const client = { Y, doc: new Y.Doc({ guid: 'document' }), asked: new Set() }
  for (const [, kind] of roots) ask(client, kind) // so that format clean-up is on
  for (const update of updates) Y.applyUpdate(client.doc, fromBase64(update))
  const again = new Y.Doc({ guid: 'document' })
  Y.applyUpdate(again, Y.encodeStateAsUpdate(client.doc))
  return [base64(Y.encodeStateAsUpdate(again)), showStateVector(Y.decodeStateVector(Y.encodeStateVector(client.doc)))]
}

const answer = async (request) => {
  if (request.session) return { steps: await runSession(request.session) }
  if (request.explain) return { lines: explain(fromBase64(request.explain), request.v2) }
  if (request.load) return { lines: load(request.load) }
  if (request.trace) return trace(request.trace)
  if (request.version) return { version: createRequire(import.meta.url)('yjs/package.json').version }
  throw new Error('an unknown request')
}

for await (const line of createInterface({ input: process.stdin })) {
  let out
  try {
    out = await answer(JSON.parse(line))
  } catch (error) {
    out = { error: String(error.stack ?? error) }
  }
  if (!process.stdout.write(JSON.stringify(out) + '\n')) await once(process.stdout, 'drain')
}
