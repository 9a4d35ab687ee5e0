// The six kinds of real clients, all with one face: y-websocket 1 to 3 and @hocuspocus/provider 2 to 4.

import { createDecoder, readVarString, readVarUint, readVarUint8Array } from 'lib0/decoding'
import { Awareness } from 'y-protocols/awareness'
import WebSocket from 'ws'
import * as Y from 'yjs'

export const kinds = ['y-websocket-1', 'hocuspocus-2', 'y-websocket-2', 'hocuspocus-3', 'y-websocket-3', 'hocuspocus-4']

// A step that takes longer than this has failed. It is long, for the server's machine may be slow and its build checked.
const patience = 90_000

// Nobody listens on this machine's port 1.
const nowhere = 'ws://127.0.0.1:1'

// Providers warn of what they can't decode instead of failing. A driver looks here at its end.
export const warned = []
for (const level of ['warn', 'error']) {
  console[level] = (...words) => warned.push(words.join(' '))
}

// Each y-websocket listens for the process's end.
process.setMaxListeners(0)

/**
 * A client's way to the server, which makes one socket after the other. Hocuspocus's clients of one version may share one.
 */
class Line {
  constructor () {
    this.sockets = 0 // made so far
    this.live = new Set() // those not closed yet
    this.away = false // kept from the server, whatever the providers try
    this.closes = [] // { code, reason, opened } of each socket closed so far; opened, whether it ever was
    this.refusals = [] // what was said instead of opening one
    this.sent = [] // every message, if record is set
    this.record = false
    this.users = new Set() // the clients
    const line = this
    this.Socket = class extends WebSocket {
      constructor (address, ...args) {
        super(line.away ? nowhere : address, ...args)
        line.sockets++
        line.live.add(this)
        this.on('error', ({ message }) => line.refusals.push(message))
        let opened = false
        this.on('open', () => {
          opened = true
          line.changed()
        })
        this.on('close', (code, reason) => {
          line.live.delete(this)
          line.closes.push({ code, reason: reason.toString(), opened })
          // After the provider's own handlers.
          queueMicrotask(() => line.changed())
        })
      }

      send (data, ...rest) {
        if (line.record) line.sent.push(new Uint8Array(data))
        return super.send(data, ...rest)
      }
    }
  }

  changed () { for (const client of this.users) client.changed() }

  /** Begins to connect for Hocuspocus's clients. */
  dial (server, { HocuspocusProviderWebsocket }) {
    this.socket = new HocuspocusProviderWebsocket({ url: `${server}/hocuspocus`, WebSocketPolyfill: this.Socket })
  }
}

/** A line for several clients of a version of Hocuspocus. Who opens it destroys its socket. */
export const openLine = async (kind, server) => {
  const line = new Line()
  line.dial(server, await import(kind))
  return line
}

/**
 * One client in one document. Whoever waits for something about it gives a check to until(), which looks after every event
 * that can change the answer.
 */
class Client {
  constructor (kind, name, line, { doc = new Y.Doc(), label = kind, token }) {
    this.kind = kind
    this.token = token // undefined for none
    this.name = name
    this.label = label
    this.doc = doc
    this.awareness = new Awareness(doc)
    this.acknowledged = kind.startsWith('hocuspocus') // whether this kind is told what is saved
    this.denied = null // why the server refused this client
    this.line = line
    this.looks = new Set()
    this.changed = () => { for (const look of [...this.looks]) look() }
    line.users.add(this)
    doc.on('update', this.changed)
    this.awareness.on('change', this.changed)
  }

  get synced () { return this.provider.synced }

  /** The number of edits, as the provider counts them, that the server hasn't said to be saved. */
  get unsaved () { return this.provider.unsyncedChanges }

  get sockets () { return this.line.sockets }
  get closes () { return this.line.closes }

  /** Whether no socket is open or about to be. */
  get down () { return this.line.live.size === 0 }

  /**
   * Resolves once check() holds. A check that takes long is made some milliseconds after an event, for all until then; one
   * that asks for another client as well is made after its events too.
   */
  until (what, check, { within = patience, after = 0, other = this } = {}) {
    if (check()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      let due
      const stop = () => {
        clearTimeout(timer)
        clearTimeout(due)
        for (const client of [this, other]) client.looks.delete(look)
      }
      const timer = setTimeout(() => {
        stop()
        const closes = this.closes.map(({ code, reason }) => `${code} ${reason}`).join('; ')
        reject(new Error(`${this.label} in "${this.name}" waited ${within / 1000} s in vain until ${what}: synced ${this.synced}, ` +
          `unsaved ${this.unsaved}, ${this.sockets} sockets, closed with [${closes}], denied ${this.denied}`))
      }, within)
      const now = () => {
        due = undefined
        if (!check()) return
        stop()
        resolve()
      }
      const look = after === 0 ? now : () => { due ??= setTimeout(now, after) }
      for (const client of [this, other]) client.looks.add(look)
    })
  }

  untilSynced () { return this.until('it is in sync', () => this.synced) }

  /** What others and it itself say of themselves, by client id. */
  presence () { return Object.fromEntries(this.awareness.getStates()) }

  leave () {
    this.destroy()
    this.line.users.delete(this)
    this.awareness.destroy()
    this.doc.destroy()
  }
}

class YWebsocketClient extends Client {
  start ({ WebsocketProvider }, server, { tabs = false }) {
    this.provider = new WebsocketProvider(`${server}/yjs`, this.name, this.doc, {
      WebSocketPolyfill: this.line.Socket, awareness: this.awareness, disableBc: !tabs, ...(this.token !== undefined && { params: { token: this.token } })
    })
    this.provider.on('sync', this.changed)
    this.provider.on('status', this.changed)
    this.provider.on('closed', ({ code, reason }) => {
      this.denied = `${code} ${reason}`
      this.changed()
    })
  }

  /** Gives it another token for its next socket; version 1 keeps the address that it has. */
  setToken (token) { this.provider.params = { token } }

  disconnect () { this.provider.disconnect() }

  connect () { this.provider.connect() }

  destroy () { this.provider.destroy() }
}

class HocuspocusClient extends Client {
  start (version, server, { line, sessionAwareness = false }) {
    this.ownLine = line === undefined
    if (this.ownLine) this.line.dial(server, version)
    this.counts = [] // what unsyncedChanges has been
    this.notices = [] // stateless messages
    this.events = [] // whether it was admitted, and in sync
    this.provider = new version.HocuspocusProvider({
      websocketProvider: this.line.socket,
      name: this.name,
      document: this.doc,
      awareness: this.awareness,
      broadcast: false,
      sessionAwareness,
      ...(this.token !== undefined && { token: () => this.token }),
      onAuthenticated: () => this.events.push('authenticated'),
      onSynced: ({ state }) => { if (state) this.events.push('synced') }
    })
    this.provider.on('unsyncedChanges', (said) => this.counts.push(typeof said === 'number' ? said : said.number))
    this.provider.on('stateless', ({ payload }) => this.notices.push(payload))
    this.provider.on('authenticationFailed', ({ reason }) => { this.denied = reason })
    for (const event of ['synced', 'unsyncedChanges', 'status', 'stateless', 'authenticated', 'authenticationFailed']) this.provider.on(event, this.changed)
    this.provider.attach?.()
  }

  /** Gives it another token for when it is asked. */
  setToken (token) { this.token = token }

  /** What the server lets it do, as far as it was told. */
  get scope () { return this.provider.authorizedScope }

  disconnect () { this.line.socket.disconnect() }

  connect () {
    // A failed attempt is rejected when the socket is given up; the provider tries again by itself.
    Promise.resolve(this.line.socket.connect()).catch(() => {})
  }

  destroy () {
    this.provider.destroy()
    if (this.ownLine) this.line.socket.destroy()
  }
}

/**
 * Opens a document with a client of a kind. Options: doc, a document with content of its own; label, for errors; token; tabs, whether
 * it speaks to others in this process as tabs of one browser do (y-websocket); line, one that others have too, and
 * sessionAwareness (Hocuspocus).
 */
export const open = async (kind, server, name, options = {}) => {
  const version = await import(kind)
  const { line = new Line() } = options
  const client = new (kind.startsWith('hocuspocus') ? HocuspocusClient : YWebsocketClient)(kind, name, line, options)
  client.start(version, server, options)
  return client
}

/** The update in a message that brings one (sync step 2 or update), or null. */
export const updateIn = (client, message) => {
  const d = createDecoder(message)
  if (client.acknowledged) readVarString(d) // the document's name
  return readVarUint(d) === 0 && readVarUint(d) > 0 ? readVarUint8Array(d) : null
}
