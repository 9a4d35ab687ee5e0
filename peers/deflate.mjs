// Plain WebSocket clients (Node's ws) with all kinds of permessage-deflate, which send each other updates of all sizes, whole
// and in fragments. The Go test beside the program runs this script.
//
//   node deflate.mjs SERVER
//
// It prints "done", or ends with status 1 and a reason.

import { once } from 'node:events'
import WebSocket from 'ws'
import * as Y from 'yjs'

const [server] = process.argv.slice(2)

// A step that takes longer than this has failed.
const patience = 90_000

const both = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
const window15 = `${both}; server_max_window_bits=15`

// What a client asks for, and what the server agrees to. It keeps no window between messages, nor lets it be smaller.
const variants = [
  { name: 'none', offer: false, agreed: '' },
  { name: 'plain', offer: {}, agreed: both },
  { name: 'all messages', offer: { threshold: 0 }, agreed: both },
  { name: 'no context takeover', offer: { threshold: 0, clientNoContextTakeover: true, serverNoContextTakeover: true }, agreed: both },
  { name: 'only the client without', offer: { threshold: 0, clientNoContextTakeover: true }, agreed: both },
  { name: 'only the server without', offer: { threshold: 0, serverNoContextTakeover: true }, agreed: both },
  { name: 'a client window of 9 bits', offer: { threshold: 0, clientMaxWindowBits: 9 }, agreed: both },
  { name: 'a client window of 15 bits', offer: { threshold: 0, clientMaxWindowBits: 15 }, agreed: both },
  { name: 'a server window of 15 bits', offer: { threshold: 0, serverMaxWindowBits: 15 }, agreed: window15 },
  { name: 'a server window of 10 bits', offer: { threshold: 0, serverMaxWindowBits: 10 }, agreed: '' },
  { name: 'the best compression', offer: { threshold: 0, zlibDeflateOptions: { level: 9, memLevel: 9 } }, agreed: both },
  { name: 'no compression', offer: { threshold: 0, zlibDeflateOptions: { level: 0 } }, agreed: both }
]

// Around each length that a frame's header, its buffers or deflate's window change at.
const sizes = [0, 1, 125, 126, 256, 1024, 16384, 32768, 65535, 65536, 1 << 20]

/** Text that deflates well, or hardly. */
const texts = {
  repeated: (size) => 'ink wire '.repeat(size / 9 + 1).slice(0, size),
  random (size) {
    let text = ''
    let state = 1
    while (text.length < size) {
      state = (state * 1103515245 + 12345) % 2147483648
      text += String.fromCharCode(33 + state / 65536 % 90)
    }
    return text
  }
}

const within = (what, promise) => Promise.race([
  promise,
  new Promise((resolve, reject) => setTimeout(() => reject(new Error(`waited too long until ${what}`)), patience).unref())
])

/** A socket in a document, which speaks just enough of y-websocket's protocol. */
const enter = async (name, offer) => {
  const socket = new WebSocket(`${server}/yjs/${name}`, { perMessageDeflate: offer })
  const client = { socket, doc: new Y.Doc(), looks: new Set(), closed: null, pongs: [] }
  const changed = () => { for (const look of [...client.looks]) look() }
  socket.on('message', (data) => {
    const [type, kind] = data
    if (type !== 0 || kind === 0) return
    let at = 2
    while (data[at++] > 127);
    Y.applyUpdate(client.doc, data.subarray(at), 'server')
    changed()
  })
  socket.on('pong', (data) => {
    client.pongs.push(data.toString())
    changed()
  })
  socket.on('close', (code, reason) => {
    client.closed = `${code} ${reason}`
    changed()
  })
  client.until = (what, check) => within(what, new Promise((resolve, reject) => {
    const look = () => {
      if (check()) resolve()
      else if (client.closed) reject(new Error(`closed with ${client.closed} before ${what}`))
      else return
      client.looks.delete(look)
    }
    client.looks.add(look)
    look()
  }))
  await within('it is open', once(socket, 'open'))
  socket.send(Uint8Array.of(0, 0, 1, 0))
  return client
}

const uvarint = (n) => {
  const bytes = []
  for (; n > 127; n = Math.floor(n / 128)) bytes.push(n % 128 | 128)
  return [...bytes, n]
}

/** The update message of a text set under a key. */
const message = (client, key, text) => {
  let update
  client.doc.once('update', (u) => { update = u })
  client.doc.getMap('texts').set(key, text)
  return Buffer.concat([Buffer.from([0, 2, ...uvarint(update.length)]), update])
}

/** Sends a message in so many fragments at most, with a ping behind each. */
const send = (client, data, fragments, compress) => {
  const size = Math.max(1, Math.ceil(data.length / fragments))
  for (let at = 0; at < data.length; at += size) {
    const fin = at + size >= data.length
    client.socket.send(data.subarray(at, at + size), { binary: true, compress, fin })
    if (!fin) client.socket.ping(`${at}`)
  }
}

const attempt = async ({ name, offer, agreed }, number) => {
  const writer = await enter(`deflate-${number}`, offer)
  const reader = await enter(`deflate-${number}`, offer)
  const plain = await enter(`deflate-${number}`, false)
  for (const { socket } of [writer, reader]) {
    if (socket.extensions !== agreed.split(';')[0]) throw new Error(`agreed to "${socket.extensions}", want "${agreed}"`)
    const { params } = socket._extensions?.['permessage-deflate'] ?? {}
    const said = params && ['permessage-deflate', ...Object.entries(params).flatMap(([key, value]) =>
      key === 'client_max_window_bits' ? [] : [value === true ? key : `${key}=${value}`])].join('; ')
    if ((said ?? '') !== agreed) throw new Error(`agreed to "${said}", want "${agreed}"`)
  }
  for (const [kind, make] of Object.entries(texts)) {
    for (const size of kind === 'random' ? sizes.filter((size) => size > 1000) : sizes) {
      for (const [fragments, compress] of [[1, true], [3, true], [1, false]]) {
        const text = make(size)
        const key = `${kind} ${size} ${fragments} ${compress}`
        const before = reader.socket._socket.bytesRead
        send(writer, message(writer, key, text), fragments, compress)
        for (const other of [reader, plain]) {
          await other.until(`${key} has come`, () => other.doc.getMap('texts').get(key) === text)
        }
        const came = reader.socket._socket.bytesRead - before
        if (kind === 'repeated' && size > 1000 && (came < size / 2) !== (agreed !== '')) throw new Error(`${size} bytes came as ${came}`)
      }
    }
  }
  const late = await enter(`deflate-${number}`, offer)
  await late.until('a newcomer has all', () => late.doc.getMap('texts').size === reader.doc.getMap('texts').size)
  if (writer.pongs.length === 0) throw new Error('no ping between fragments was answered')
  for (const { socket } of [writer, reader, plain, late]) {
    socket.close(1000)
    const [code] = await within('it is closed', once(socket, 'close'))
    if (code !== 1000) throw new Error(`closed with ${code}`)
  }
  return name
}

try {
  for (const [number, variant] of variants.entries()) {
    await attempt(variant, number).catch((err) => { throw new Error(`${variant.name}: ${err.message}`) })
  }
  console.log('done')
} catch (err) {
  console.log(`failed: ${err.message}`)
  process.exitCode = 1
} finally {
  process.exit()
}
