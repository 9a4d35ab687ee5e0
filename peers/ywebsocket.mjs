// Two real y-websocket clients that type a trace together through a running server, and a third that opens the document
// later. The Go test beside the program runs this script, kills the server and starts it again between the lines.
//
//   node ywebsocket.mjs SERVER NAME TRACE VERSION VERSION VERSION
//
// TRACE is a file of recorded keystrokes, or "sequential" or "concurrent" for a generated one; the VERSIONs are the major
// versions of y-websocket that the three clients have.
//
//   out: half      half of the trace is typed; typing goes on, whatever happens to the server
//   out: typed     the first two have the text that the trace says, and have left
//   in:  third     the third may open the document
//   out: done      it has the text too
//
// It ends with status 1 and a reason if a text differs or a time is over.

import { createInterface } from 'node:readline'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { readTrace } from './trace.mjs'
import { generateConcurrent, generateSequential, typeConcurrent, typeSequential } from './typing.mjs'

// A step that takes longer than this has failed. It is long, for the server's machine may be slow and its build checked.
const patience = 60_000

const [server, name, source, ...versions] = process.argv.slice(2)

// y-websocket warns of what it can't decode instead of failing.
const warned = []
for (const level of ['warn', 'error']) {
  console[level] = (...words) => warned.push(words.join(' '))
}

class Client {
  constructor (label, version, WebsocketProvider) {
    this.label = `${label} (y-websocket ${version})`
    this.doc = new Y.Doc()
    this.text = this.doc.getText('text')
    this.turn = this.doc.getMap('turn')
    this.provider = new WebsocketProvider(server, name, this.doc, { WebSocketPolyfill: WebSocket, disableBc: true })
    this.refused = null
    this.provider.on('connection-close', (event) => {
      if (event?.code >= 4400 && event.code < 4500) this.refused = `${event.code} ${event.reason}`
    })
  }

  /** Resolves once check() holds, looking after each update and each sync. */
  until (what, check) {
    if (check()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        stop()
        reject(new Error(`${this.label} waited too long until ${what}${this.refused ? `; it was refused: ${this.refused}` : ''}`))
      }, patience)
      const look = () => {
        if (!check()) return
        stop()
        resolve()
      }
      const stop = () => {
        clearTimeout(timer)
        this.doc.off('update', look)
        this.provider.off('sync', look)
      }
      this.doc.on('update', look)
      this.provider.on('sync', look)
    })
  }

  /** Resolves once the client is in sync and its text is the wanted one. */
  async holds (wanted) {
    try {
      await this.until('its text is whole', () => this.provider.synced && this.text.length === wanted.length && this.text.toString() === wanted)
    } catch (err) {
      const text = this.text.toString()
      let at = 0
      while (at < text.length && text[at] === wanted[at]) at++
      throw new Error(`${err.message}: it has ${text.length} units of ${wanted.length}, the same up to ${at}`)
    }
  }

  leave () {
    this.provider.destroy()
    this.doc.destroy()
  }
}

const open = async (label, version) => {
  const { WebsocketProvider } = await import(`y-websocket-${version}`)
  return new Client(label, version, WebsocketProvider)
}

const input = createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()

const main = async () => {
  const trace = source === 'sequential' ? generateSequential() : source === 'concurrent' ? generateConcurrent(Y) : readTrace(source)
  const type = trace.kind === 'concurrent' ? typeConcurrent : typeSequential
  const clients = [await open('the first', versions[0]), await open('the second', versions[1])]
  for (const client of clients) await client.until('it is in sync', () => client.provider.synced)

  const half = Math.floor(trace.txns.length / 2)
  await type(Y, trace, clients, (typed) => {
    if (typed === half) console.log('half')
  })
  for (const client of clients) await client.holds(trace.endContent)
  for (const client of clients) client.leave()
  console.log('typed')

  await lines.next()
  const third = await open('the third', versions[2])
  await third.holds(trace.endContent)
  third.leave()
  input.close()
  if (warned.length > 0) throw new Error(`a client warned: ${warned[0]}`)
  console.log('done')
}

main().catch((err) => {
  process.stdout.write(`failed: ${err.message}\n`)
  process.exitCode = 1
}).finally(() => process.exit())
