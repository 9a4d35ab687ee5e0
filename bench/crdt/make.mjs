// Makes the benchmark's input with Yjs: node make.mjs FOLDER [TRACE…]. Without traces a generated one takes their place.
// Prints the names of the editing traces made.

import { basename, join } from 'node:path'
import * as Y from 'yjs'
import { readTrace, generateTrace, typeTrace } from '../../peers/trace.mjs'
import { write } from './files.mjs'

const [, , folder, ...traces] = process.argv

const state = (updates) => {
  const doc = new Y.Doc()
  doc.getText('text')
  for (const update of updates) Y.applyUpdate(doc, update)
  return Y.encodeStateAsUpdate(doc)
}

const make = (name, updates) => {
  write(join(folder, `${name}.updates`), updates)
  write(join(folder, `${name}.state`), [state(updates)])
}

const typed = (trace) => {
  const updates = []
  typeTrace(Y, trace, (update) => updates.push(update))
  return updates
}

/** Lehmer's generator as MINSTD: the same numbers on every machine. */
let seed = 1
const random = (below) => {
  seed = seed * 48271 % 2147483647
  return seed % below
}

/** The updates of a writer who makes count insertions; where says at which place of a text of some length. */
const writer = (id, count, word, where) => {
  const doc = new Y.Doc()
  doc.clientID = id
  const text = doc.getText('text')
  const updates = []
  doc.on('update', (update) => updates.push(update))
  for (let i = 0; i < count; i++) text.insert(where(text.length), word(i))
  return updates
}

const names = []
for (const path of traces) {
  const name = basename(path, '.json.gz')
  make(name, typed(readTrace(path)))
  names.push(name)
}
if (traces.length === 0) {
  make('generated', typed(generateTrace(260_000)))
  names.push('generated')
}

const letters = 'abcdefghijklmnopqrstuvwxyz'
const random1 = writer(1, 6000, () => letters[random(26)], (length) => random(length + 1))
const random2 = writer(2, 6000, () => letters[random(26)], (length) => random(length + 1))
make('two-writers', random1.flatMap((update, i) => [update, random2[i]]))

const one = []
for (let id = 1; id <= 1540; id++) one.push(...writer(id * 2_654_435 % 4_294_967_291, 1, () => `word${id} `, () => 0))
make('one-place', one)

console.log(JSON.stringify(names))
