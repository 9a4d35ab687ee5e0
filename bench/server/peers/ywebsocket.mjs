// The y-websocket server with y-leveldb: node ywebsocket.mjs PORT FOLDER [durable].
//
// The package's own program no longer opens a store by itself; it takes one by setPersistence, as here: every update
// is appended as it comes. durable has LevelDB sync each write to the disk; the server waits for none either way.

import http from 'node:http'
import { setPersistence, setupWSConnection } from '@y/websocket-server/utils'
import { Level } from 'level'
import WebSocket from 'ws'
import { LeveldbPersistence } from 'y-leveldb'
import * as Y from 'yjs'

const [, , port, folder, mode] = process.argv

class SyncedLevel extends Level {
  put (key, value, options) {
    return super.put(key, value, { ...options, sync: true })
  }
}

const store = new LeveldbPersistence(folder, mode === 'durable' ? { Level: SyncedLevel } : {})

setPersistence({
  provider: store,
  async bindState (name, doc) {
    const stored = await store.getYDoc(name)
    doc.on('update', (update, origin) => { if (origin !== store) store.storeUpdate(name, update) })
    const already = Y.encodeStateAsUpdate(doc)
    if (already.length > 2) store.storeUpdate(name, already)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(stored), store)
  },
  async writeState () {}
})

const sockets = new WebSocket.Server({ noServer: true })
sockets.on('connection', setupWSConnection)
const server = http.createServer((request, response) => response.end('okay'))
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request))
})
process.on('SIGTERM', async () => {
  await store.destroy() // after all that was queued
  process.exit(0)
})
server.listen(Number(port), '127.0.0.1', () => console.log('serving'))
