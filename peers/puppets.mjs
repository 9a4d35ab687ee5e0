// Real clients that do as they are told: the tests beside the program say each step, and look at what came of it.
//
//   in:  one JSON object a line: { id, on, do, args }
//   out: for each, in whatever order they end: { id, result } or { id, error }
//
// "on" is the name that a client was opened with, "do" one of the steps below.

import { createInterface } from 'node:readline'
import * as Y from 'yjs'
import { open, updateIn, warned } from './clients.mjs'

const clients = new Map()
const texts = new WeakMap()

/** A client's text, as an editor holds it: asked for and observed from the beginning. */
const hold = (client) => {
  const text = client.doc.getText('text')
  text.observe(() => {})
  const fragment = client.doc.getXmlFragment('default')
  fragment.observeDeep(() => {})
  texts.set(client, { text, fragment })
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

const names = (client) => Object.values(client.presence()).map(({ user }) => user?.name).filter(Boolean).sort()

const steps = {
  /** Opens a document. Options: state, an encoded state that the client has already; tabs; token. */
  async open (name, kind, server, document, { state, tabs, token } = {}) {
    const doc = new Y.Doc()
    if (state !== undefined) Y.applyUpdate(doc, Buffer.from(state, 'base64'))
    const client = await open(kind, server, document, { doc, tabs, token, label: `${name} (${kind})` })
    client.line.record = true
    hold(client)
    clients.set(name, client)
  },

  setToken (client, token) { client.setToken(token) },
  scope: (client) => client.scope ?? null,
  denied: (client) => client.denied,
  untilScope: (client, scope) => client.until(`its scope is ${scope}`, () => client.scope === scope),

  insert (client, position, text) { texts.get(client).text.insert(position, text) },
  delete (client, position, length) { texts.get(client).text.delete(position, length) },
  format (client, position, length, attributes) { texts.get(client).text.format(position, length, attributes) },

  /** Adds a paragraph, as an editor of rich text has it. */
  paragraph (client, content) {
    const paragraph = new Y.XmlElement('paragraph')
    const text = new Y.XmlText()
    text.insert(0, content)
    paragraph.insert(0, [text])
    const { fragment } = texts.get(client)
    fragment.insert(fragment.length, [paragraph])
  },
  /** Makes a stretch of a paragraph bold, or something else. */
  formatParagraph (client, n, position, length, attributes) {
    texts.get(client).fragment.get(n).get(0).format(position, length, attributes)
  },

  /** Writes many keystrokes into the document, out of the way of its text. */
  fill (client, count, size = 1) {
    const other = client.doc.getText('other')
    for (let i = 0; i < count; i++) other.insert(other.length, 'x'.repeat(size))
  },

  say (client, name) { client.awareness.setLocalState({ user: { name } }) },
  names,

  text: (client) => texts.get(client).text.toString(),
  unsaved: (client) => client.unsaved,
  notices: (client) => client.notices,
  sockets: (client) => client.sockets,
  closes: (client) => client.closes,
  state: (client) => Buffer.from(Y.encodeStateAsUpdate(client.doc)).toString('base64'),

  untilSynced: (client) => client.untilSynced(),
  untilSaved: (client) => client.until('everything is saved', () => client.unsaved === 0),
  untilUp: (client, sockets) => client.until(`it has made socket ${sockets} and is in sync`, () => client.sockets >= sockets && client.synced),
  untilDown: (client) => client.until('its socket is closed', () => client.down),
  untilClosedWith: (client, code, times = 1) =>
    client.until(`it is closed with ${code}`, () => client.closes.filter((close) => close.code === code).length >= times),
  /** Resolves once an attempt to connect was answered with a status. */
  untilRefused: (client, status) =>
    client.until(`it is refused with ${status}`, () => client.line.refusals.some((said) => said.endsWith(`: ${status}`))),
  untilNotice: (client, payload) => client.until(`it is told ${payload}`, () => client.notices.includes(payload)),
  untilText: (client, text) => client.until(`it has "${text}"`, () => client.synced && texts.get(client).text.toString() === text),
  untilWords: (client, ...wanted) => client.until(`it has each of ${wanted} once`, () =>
    client.synced && same(texts.get(client).text.toString().split(' ').filter(Boolean).sort(), wanted)),
  untilNames: (client, ...wanted) => client.until(`it sees ${wanted}`, () => same(names(client), wanted)).catch((err) => {
    throw new Error(`${err.message}; it sees ${names(client)}`)
  }),
  untilDenied: (client) => client.until('it is refused', () => client.denied !== null).then(() => client.denied),
  async untilSame (client, other) {
    const peer = clients.get(other)
    const equal = () => client.synced && peer.synced && Y.equalSnapshots(Y.snapshot(client.doc), Y.snapshot(peer.doc))
    await client.until(`it equals ${other}`, equal, { other: peer })
  },
  /** Resolves once a client has all that another one has, which may be offline, and perhaps more. */
  untilHas (client, other) {
    const wanted = Y.encodeStateAsUpdate(clients.get(other).doc)
    return client.until(`it has what ${other} has`, () => client.synced && Y.snapshotContainsUpdate(Y.snapshot(client.doc), wanted))
  },

  /**
   * The updates, in hexadecimal, by which the client brought something that a document in this state lacks, since it was
   * opened.
   */
  brought (client, state) {
    const has = new Y.Doc()
    Y.applyUpdate(has, Buffer.from(state, 'base64'))
    let news = false
    has.on('update', () => { news = true })
    const said = []
    for (const message of client.line.sent) {
      const update = updateIn(client, message)
      if (update === null) continue
      news = false
      Y.applyUpdate(has, update)
      if (news) said.push(Buffer.from(update).toString('hex'))
    }
    return said
  },
  /** Resolves once the client has answered the server's step 1. */
  untilAnswered: (client) => client.until('it has answered the server', () => client.line.sent.some((message) => updateIn(client, message) !== null)),

  /** Lets a client write something every so many milliseconds, and measures how long it takes to come to another. */
  pulse (client, reader, every) {
    const out = client.doc.getMap('pulse')
    const come = clients.get(reader).doc.getMap('pulse')
    const pulse = { number: 0, sent: new Map(), took: [] }
    come.observe(() => {
      for (const [number, at] of pulse.sent) {
        if (number > come.get('beat')) break
        pulse.sent.delete(number)
        pulse.took.push(performance.now() - at)
      }
    })
    pulse.timer = setInterval(() => {
      pulse.sent.set(++pulse.number, performance.now())
      out.set('beat', pulse.number)
    }, every)
    client.pulse = pulse
  },
  /** Resolves once so many more beats have come. */
  untilBeats (client, count) {
    const goal = client.pulse.number + count
    return client.until(`${count} more beats have come`, () => client.pulse.number - client.pulse.sent.size >= goal)
  },
  /** How many milliseconds each beat took that came since this was last asked. */
  pulsed: ({ pulse }) => pulse.took.splice(0),
  /** Ends a pulse; resolves once its last beat has come. */
  async untilStill (client, reader) {
    clearInterval(client.pulse.timer)
    await clients.get(reader).until('the last beat has come', () => client.pulse.sent.size === 0)
  },

  /** Keeps a client from the server, whatever its provider tries; or no more. */
  keepAway (client, away) {
    client.line.away = away
    if (!away) client.connect()
  },
  disconnect (client) { client.disconnect() },
  connect (client) { client.connect() },
  leave (client) { client.leave() },
  warned: () => warned
}

/** Whether a client that gets this state in two parts, one author's edits after the other's, sends edits of its own. */
steps.tempts = (state) => {
  const whole = new Y.Doc()
  Y.applyUpdate(whole, Buffer.from(state, 'base64'))
  for (const author of Y.decodeStateVector(Y.encodeStateVector(whole)).keys()) {
    const vector = Y.decodeStateVector(Y.encodeStateVector(whole))
    // All but this author's first, then the rest.
    const others = new Map([...vector].map(([client]) => [client, client === author ? 0 : vector.get(client)]))
    const later = Y.encodeStateAsUpdate(whole, encodeVector(others))
    const client = new Y.Doc()
    client.getText('text').observe(() => {})
    client.getXmlFragment('default').observeDeep(() => {})
    let sent = false
    client.on('update', (_update, origin) => { if (origin !== 'server') sent = true })
    const first = Y.encodeStateAsUpdate(whole, encodeVector(new Map([[author, vector.get(author)]])))
    Y.applyUpdate(client, first, 'server')
    Y.applyUpdate(client, later, 'server')
    if (sent) return true
  }
  return false
}

const encodeVector = (vector) => Y.encodeStateVector(vector)

const withoutClient = new Set(['warned', 'tempts'])

const obey = async ({ id, on, do: step, args }) => {
  try {
    if (!(step in steps)) throw new Error(`no such step: ${step}`)
    const subject = step === 'open' ? [on] : withoutClient.has(step) ? [] : [clients.get(on)]
    if (subject[0] === undefined && subject.length > 0) throw new Error(`no such client: ${on}`)
    const result = await steps[step](...subject, ...args)
    return { id, result: result ?? null }
  } catch (err) {
    return { id, error: err.message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line)).then((answer) => console.log(JSON.stringify(answer)))
}
process.exit()
