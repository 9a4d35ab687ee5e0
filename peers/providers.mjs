// Real clients of all versions that share documents. The Go tests beside the gateways run this script.
//
//   node providers.mjs SCENARIO YJS HOCUSPOCUS
//
// YJS is the address of y-websocket's protocol (the document's name follows it), HOCUSPOCUS that of Hocuspocus's. The
// scenarios are the functions at the end. It prints "done", or ends with status 1 and a reason.

import WebSocket from 'ws'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'

const [scenario, yjs, hocuspocus] = process.argv.slice(2)

// A step that takes longer than this has failed.
const patience = 15_000

// Providers warn of what they can't decode, or throw inside an event.
const warned = []
for (const level of ['warn', 'error']) {
  console[level] = (...words) => warned.push(words.join(' '))
}

/** Resolves once check() holds. */
const until = async (what, check) => {
  const end = Date.now() + patience
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Resolves after the messages under way have come, and checks that nothing has changed by then. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

/** A document with the presence and the text of one client. */
class Client {
  constructor (label) {
    this.label = label
    this.doc = new Y.Doc()
    this.text = this.doc.getText('text')
    this.awareness = new Awareness(this.doc)
    this.awareness.setLocalState({ name: label })
  }

  sees (others) {
    const states = [...this.awareness.getStates().values()].map((state) => state.name)
    return others.every((other) => states.includes(other.label))
  }
}

class YWebsocket extends Client {
  static async open (version, name) {
    const { WebsocketProvider } = await import(`y-websocket-${version}`)
    const client = new YWebsocket(`y-websocket ${version}`)
    client.provider = new WebsocketProvider(yjs, name, client.doc, { WebSocketPolyfill: WebSocket, disableBc: true, awareness: client.awareness })
    return client
  }

  get saved () { return this.provider.synced }
  async disconnect () { this.provider.disconnect() }
  connect () { this.provider.connect() }
  leave () { this.provider.destroy() }
}

class Hocuspocus extends Client {
  /** A client with a socket of its own, or on one that it shares. */
  static async open (version, name, { socket, awareness = true, ...options } = {}) {
    const { HocuspocusProvider } = await import(`hocuspocus-${version}`)
    const client = new Hocuspocus(`hocuspocus ${version}`)
    client.counts = [] // of each round: what unsyncedChanges was, since it was last set to 1 by a step 1
    client.events = []
    client.own = socket === undefined
    client.socket = socket ?? await Hocuspocus.socket(version)
    client.provider = new HocuspocusProvider({
      websocketProvider: client.socket, name, document: client.doc, awareness: awareness ? client.awareness : null, broadcast: false, ...options,
      onSynced: ({ state }) => { if (state) client.events.push('synced') },
      onAuthenticated: () => client.events.push('authenticated'),
      onAuthenticationFailed: ({ reason }) => client.events.push(`denied: ${reason}`)
    })
    client.provider.on('unsyncedChanges', (arg) => client.counts.push(typeof arg === 'number' ? arg : arg.number))
    client.provider.attach?.()
    return client
  }

  static async socket (version) {
    const { HocuspocusProviderWebsocket } = await import(`hocuspocus-${version}`)
    return new HocuspocusProviderWebsocket({ url: hocuspocus, WebSocketPolyfill: WebSocket })
  }

  get saved () { return this.provider.synced && this.provider.unsyncedChanges === 0 }

  async disconnect () {
    const closed = new Promise((resolve) => this.socket.on('close', resolve))
    this.socket.disconnect()
    await closed
  }

  connect () { this.socket.connect() }

  leave () {
    this.provider.destroy()
    if (this.own) this.socket.destroy()
  }

  /** Checks that all is saved, and that the count reached 0 so many times and was never below. */
  async isSaved (times) {
    await until(`${this.label} has saved all (${this.counts})`, () => this.saved)
    await settle()
    const zeros = this.counts.filter((n) => n === 0).length
    const least = Math.min(...this.counts)
    if (zeros !== times || least < 0 || !this.saved) throw new Error(`${this.label}: unsyncedChanges went ${this.counts}, want 0 ${times} times and never less`)
    this.counts = []
  }
}

const everybody = (name) => Promise.all([
  ...[1, 2, 3].map((version) => YWebsocket.open(version, name)),
  ...[2, 3, 4].map((version) => Hocuspocus.open(version, name))
])

const converge = async (clients) => {
  const text = () => clients[0].text.toString()
  await until('all have the same text', () => clients.every((client) => client.text.toString() === text()))
  return text()
}

const scenarios = {
  /** All versions write into one document, at once; all see all and each other. */
  async together () {
    const clients = await everybody('together')
    for (const client of clients) await until(`${client.label} is in sync`, () => client.provider.synced)
    for (const client of clients.slice(3)) {
      await client.isSaved(1)
      if (client.events.join() !== 'authenticated,synced') throw new Error(`${client.label}: ${client.events}`)
    }
    await until('all see each other', () => clients.every((client) => client.sees(clients)))
    for (let round = 0; round < 20; round++) {
      for (const [i, client] of clients.entries()) {
        client.text.insert(Math.floor(client.text.length / 2), String.fromCharCode(97 + i))
        if (round % 5 === 4) client.text.delete(0, 1)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const client of clients) await until(`${client.label} has saved all`, () => client.saved)
    await converge(clients)
    await settle()
    const text = await converge(clients)
    if (text.length < 6 * 16) throw new Error(`letters are lost: ${text}`)
    for (const client of clients.slice(3)) {
      if (Math.min(...client.counts) < 0 || !client.saved) throw new Error(`${client.label}: unsyncedChanges went ${client.counts}`)
    }
    const late = await Hocuspocus.open(3, 'together')
    await until('who comes later has it', () => late.text.toString() === text)
    for (const client of [...clients, late]) client.leave()
  },

  /** Each version is offline, writes and deletes, and comes back: all is saved, counted to 0 once. */
  async offline () {
    for (const version of [2, 3, 4]) {
      for (const edit of ['structs', 'deletes', 'both', 'nothing']) {
        const name = `offline-${version}-${edit}`
        const client = await Hocuspocus.open(version, name)
        const other = await YWebsocket.open(3, name)
        client.text.insert(0, 'a text')
        await until('the text is saved', () => client.saved && other.text.length === 6)
        await settle()
        await client.disconnect()
        client.counts = []
        if (edit !== 'nothing') {
          for (let i = 0; i < 3; i++) {
            if (edit !== 'deletes') client.text.insert(2, 'x')
            if (edit !== 'structs') client.text.delete(client.text.length - 1, 1)
          }
        }
        client.connect()
        await client.isSaved(1)
        await converge([client, other])
        client.text.insert(0, 'y')
        client.text.delete(1, 1)
        await until('the new edits are saved', () => client.saved)
        await settle()
        if (Math.min(...client.counts) < 0) throw new Error(`${client.label}: unsyncedChanges went ${client.counts}`)
        client.counts = []
        client.provider.forceSync()
        await client.isSaved(1)
        client.leave()
        other.leave()
      }
    }
  },

  /** Several documents on one socket; version 4 with session ids, one document several times. */
  async multiplexed () {
    for (const version of [2, 3, 4]) {
      const socket = await Hocuspocus.socket(version)
      const names = ['one', 'two', 'three'].map((name) => `${name}-${version}`)
      const clients = await Promise.all(names.map((name) => Hocuspocus.open(version, name, { socket })))
      for (const client of clients) await client.isSaved(1)
      for (const [i, client] of clients.entries()) client.text.insert(0, names[i])
      for (const client of clients) await until('all is saved', () => client.saved)
      const others = await Promise.all(names.map((name) => YWebsocket.open(3, name)))
      for (const [i, other] of others.entries()) await until('the other has it', () => other.text.toString() === names[i])
      clients[0].leave()
      others[1].text.insert(0, '>')
      await until('the socket lives on', () => clients[1].text.toString() === `>${names[1]}`)
      await until('who left is seen no more', () => !others[0].sees([clients[0]]))
      // All of one socket's documents after a reconnect.
      await clients[1].disconnect()
      for (const client of clients.slice(1)) {
        client.counts = []
        client.text.insert(0, 'offline ')
      }
      clients[1].connect()
      for (const client of clients.slice(1)) await client.isSaved(1)
      await converge([clients[2], others[2]])
      for (const client of [...clients.slice(1), ...others]) client.leave()
      socket.destroy()
    }
    const socket = await Hocuspocus.socket(4)
    const clients = []
    for (let i = 0; i < 3; i++) clients.push(await Hocuspocus.open(4, 'sessions', { socket, sessionAwareness: true }))
    for (const client of clients) await client.isSaved(1)
    for (const client of clients) client.text.insert(0, 'abc')
    await converge(clients)
    await until('all letters are there', () => clients[0].text.length === 9 && clients.every((client) => client.saved))
    await until('they see each other', () => clients.every((client) => client.awareness.getStates().size === 3))
    for (const client of clients) client.leave()
    socket.destroy()
  },

  /** Whoever comes back is seen at once, and sees all others at once. */
  async presence () {
    const clients = await everybody('presence')
    await until('all see each other', () => clients.every((client) => client.sees(clients)))
    for (const client of clients) {
      const others = clients.filter((other) => other !== client)
      await client.disconnect()
      await until(`${client.label} is gone for all`, () => others.every((other) => !other.sees([client])))
      const begun = Date.now()
      client.connect()
      await until(`${client.label} sees all again, and all see it`, () => client.sees(others) && others.every((other) => other.sees([client])))
      // A renewal would come after 15 s.
      if (Date.now() - begun > 10_000) throw new Error(`${client.label} came back too late`)
    }
    for (const client of clients) client.leave()
  }
}

process.on('uncaughtException', (err) => {
  process.stdout.write(`failed: a client threw: ${err.stack}\n`)
  process.exit(1)
})

scenarios[scenario]().then(() => {
  if (warned.length > 0) throw new Error(`a client warned: ${warned[0]}`)
  console.log('done')
  process.exit(0)
}).catch((err) => {
  process.stdout.write(`failed: ${err.stack}\n`)
  process.exit(1)
})
