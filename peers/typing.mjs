// Typing a trace into the documents of two clients that see each other's edits only through a server.

const beyondUTF16Unit = /[\ud800-\udfff]/

/** Positions in traces count code points, Yjs counts UTF-16 units. They are the same unless the trace says otherwise. */
export const patcher = (trace) => {
  const plain = !trace.txns.some(({ patches }) => patches.some(([, , inserted]) => beyondUTF16Unit.test(inserted)))
  return plain ? patchUnits : patchPoints
}

const patchUnits = (text, patches) => {
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  }
}

const patchPoints = (text, patches) => {
  for (const [position, deleted, inserted] of patches) {
    const points = [...text.toString()]
    const units = (from, to) => points.slice(from, to).join('').length
    patchUnits(text, [[units(0, position), units(position, position + deleted), inserted]])
  }
}
// How many transactions one client types before it is the other's turn.
const turnLength = 40

/**
 * A trace of one writer, typed by two in turns: each waits until it has all that the other wrote. That it has, it knows by
 * the number of the turn, which the other writes with its last edit.
 */
export const typeSequential = async (_Y, trace, clients, progress) => {
  const patch = patcher(trace)
  let turn = 0
  for (let at = 0; at < trace.txns.length; turn++) {
    const client = clients[turn % 2]
    await client.until(`turn ${turn} has come`, () => turn === 0 || client.turn.get('done') === turn - 1)
    const end = Math.min(at + turnLength, trace.txns.length)
    for (; at < end; at++) {
      client.doc.transact(() => {
        patch(client.text, trace.txns[at].patches)
        if (at === end - 1) client.turn.set('done', turn)
      })
      progress(at + 1)
    }
  }
}

/**
 * A trace of several writers at once: each types every transaction in exactly the state that its parents make, which is
 * often behind what has come meanwhile. So a writer has a page of its own, whose edits go into its client's document as they
 * are made, and to which the others' edits come once they have come to that client through the server.
 */
export const typeConcurrent = async (Y, trace, clients, progress) => {
  const patch = patcher(trace)
  // Of edits at one place Yjs puts those of the lower id first, as the traces have it.
  const writers = Array.from({ length: trace.numAgents }, (_, agent) => {
    const page = new Y.Doc()
    page.clientID = agent + 1
    const writer = { page, text: page.getText('text'), client: clients[agent % 2], has: new Array(trace.numAgents).fill(0), txns: [] }
    page.on('update', (update, origin) => {
      if (origin === 'come') return
      writer.made = update
      Y.applyUpdate(writer.client.doc, update, 'typed')
    })
    return writer
  })

  /** Brings a writer's page up to so many transactions of each writer. */
  const see = async (writer, counts) => {
    const missing = []
    writers.forEach((other, agent) => {
      for (; writer.has[agent] < counts[agent]; writer.has[agent]++) missing.push(other.txns[writer.has[agent]])
    })
    missing.sort((a, b) => a.at - b.at)
    for (const { update, agent, clock } of missing) {
      const { client } = writer
      const come = () => Y.getState(client.doc.store, agent + 1) >= clock
      await client.until('the edit of another has come', come)
      if (update !== null) Y.applyUpdate(writer.page, update, 'come')
    }
  }

  const history = [] // of each transaction, how many of each writer's are in it and before it
  for (const [at, { agent, parents, patches }] of trace.txns.entries()) {
    const writer = writers[agent]
    const counts = new Array(trace.numAgents).fill(0)
    for (const parent of parents) history[parent].forEach((count, other) => { counts[other] = Math.max(counts[other], count) })
    await see(writer, counts)
    writer.made = null
    writer.page.transact(() => patch(writer.text, patches))
    writer.txns.push({ at, agent, update: writer.made, clock: Y.getState(writer.page.store, agent + 1) })
    counts[agent] = writer.has[agent] = writer.txns.length
    history.push(counts)
    progress(at + 1)
  }
}

/** A generator of numbers below a bound, the same each time (Lehmer's, as MINSTD). */
const generator = () => {
  let state = 20261124
  return (below) => {
    state = state * 48271 % 2147483647
    return state % below
  }
}

const words = ['a', 'no', 'ink', 'wire', ' ', ' ', '\n', 'für ', '文書', '🖋', '👩‍🚀']

/** Random patches to a text of code points. */
const randomPatch = (random, length) => {
  const position = random(length + 1)
  const deleted = random(3) === 0 ? Math.min(random(5), length - position) : 0
  return [position, deleted, deleted > 0 && random(2) === 0 ? '' : words[random(words.length)]]
}

/** A trace of one writer. */
export const generateSequential = () => {
  const random = generator()
  let points = []
  const txns = []
  for (let i = 0; i < 4000; i++) {
    const [position, deleted, inserted] = randomPatch(random, points.length)
    points = [...points.slice(0, position), ...inserted, ...points.slice(position + deleted)]
    txns.push({ patches: [[position, deleted, inserted]] })
  }
  return { kind: 'sequential', txns, endContent: points.join('') }
}

/** A trace of two writers who write some edits at once and then see each other's; Yjs alone says what they come to. */
export const generateConcurrent = (Y) => {
  const random = generator()
  const pages = [1, 2].map((id) => {
    const page = new Y.Doc()
    page.clientID = id
    return page
  })
  const trace = { kind: 'concurrent', numAgents: 2, txns: [] }
  let merged = []
  for (let round = 0; round < 150; round++) {
    const tips = []
    pages.forEach((page, agent) => {
      const text = page.getText('text')
      let parents = merged
      for (let i = random(8) + 1; i > 0; i--) {
        const txn = { agent, parents, patches: [randomPatch(random, [...text.toString()].length)] }
        patchPoints(text, txn.patches)
        parents = [trace.txns.push(txn) - 1]
      }
      tips.push(...parents)
    })
    merged = tips
    for (const [from, to] of [[0, 1], [1, 0]]) Y.applyUpdate(pages[to], Y.encodeStateAsUpdate(pages[from]))
  }
  return { ...trace, endContent: pages[0].getText('text').toString() }
}
