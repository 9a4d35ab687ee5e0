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
 * One client in one document. Whoever waits for something about it gives a check to until(), which looks after every event
 * that can change the answer.
 */
class Client {
  constructor (kind, server, name, { doc = new Y.Doc(), label = kind } = {}) {
    this.kind = kind
    this.server = server
    this.name = name
    this.label = label
    this.doc = doc
    this.awareness = new Awareness(doc)
    this.acknowledged = kind.startsWith('hocuspocus') // whether this kind is told what is saved
    this.sockets = 0 // made so far
    this.live = new Set() // those not closed yet
    this.away = false // kept from the server, whatever the provider tries
    this.closes = [] // { code, reason } of each socket closed so far
    this.denied = null // why the server refused this client
    this.sent = [] // every message since it was last emptied, if record is set
    this.record = false
    this.looks = new Set()
    this.changed = () => { for (const look of [...this.looks]) look() }
    doc.on('update', this.changed)
    this.awareness.on('change', this.changed)
    const client = this
    this.Socket = class extends WebSocket {
      constructor (address, ...args) {
        super(client.away ? nowhere : address, ...args)
        client.sockets++
        client.live.add(this)
        this.on('error', () => {}) // its close tells enough, and a provider may have let go of it
        this.on('open', client.changed)
        this.on('close', (code, reason) => {
          client.live.delete(this)
          client.closes.push({ code, reason: reason.toString() })
          // After the provider's own handlers.
          queueMicrotask(client.changed)
        })
      }

      send (data, ...rest) {
        if (client.record) client.sent.push(new Uint8Array(data))
        return super.send(data, ...rest)
      }
    }
  }

  get synced () { return this.provider.synced }

  /** The number of edits, as the provider counts them, that the server hasn't said to be saved. */
  get unsaved () { return this.provider.unsyncedChanges }

  /** Whether no socket is open or about to be. */
  get down () { return this.live.size === 0 }

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
    this.awareness.destroy()
    this.doc.destroy()
  }
}

class YWebsocketClient extends Client {
  start (WebsocketProvider, { tabs = false } = {}) {
    this.provider = new WebsocketProvider(`${this.server}/yjs`, this.name, this.doc, {
      WebSocketPolyfill: this.Socket, awareness: this.awareness, disableBc: !tabs
    })
    this.provider.on('sync', this.changed)
    this.provider.on('status', this.changed)
    this.provider.on('closed', ({ code, reason }) => {
      this.denied = `${code} ${reason}`
      this.changed()
    })
  }

  disconnect () { this.provider.disconnect() }

  connect () { this.provider.connect() }

  destroy () { this.provider.destroy() }
}

class HocuspocusClient extends Client {
  start ({ HocuspocusProvider, HocuspocusProviderWebsocket }) {
    this.line = new HocuspocusProviderWebsocket({ url: `${this.server}/hocuspocus`, WebSocketPolyfill: this.Socket })
    this.provider = new HocuspocusProvider({
      websocketProvider: this.line, name: this.name, document: this.doc, awareness: this.awareness, broadcast: false
    })
    for (const event of ['synced', 'unsyncedChanges', 'status']) this.provider.on(event, this.changed)
    this.provider.on('authenticationFailed', ({ reason }) => {
      this.denied = reason
      this.changed()
    })
    this.provider.attach?.()
  }

  disconnect () { this.line.disconnect() }

  connect () {
    // A failed attempt is rejected when the socket is given up; the provider tries again by itself.
    Promise.resolve(this.line.connect()).catch(() => {})
  }

  destroy () {
    this.provider.destroy()
    this.line.destroy()
  }
}

/**
 * Opens a document with a client of a kind. Options: doc, a document with content of its own; label, for errors; tabs, whether
 * it speaks to others in this process as tabs of one browser do (y-websocket).
 */
export const open = async (kind, server, name, options = {}) => {
  const provider = await import(kind)
  const isHocuspocus = kind.startsWith('hocuspocus')
  const client = new (isHocuspocus ? HocuspocusClient : YWebsocketClient)(kind, server, name, options)
  client.start(isHocuspocus ? provider : provider.WebsocketProvider, options)
  return client
}

/** The update in a message that brings one (sync step 2 or update), or null. */
export const updateIn = (client, message) => {
  const d = createDecoder(message)
  if (client.acknowledged) readVarString(d) // the document's name
  return readVarUint(d) === 0 && readVarUint(d) > 0 ? readVarUint8Array(d) : null
}
