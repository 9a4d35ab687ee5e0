// Hocuspocus with its SQLite extension, as its documentation sets it up: node hocuspocus.mjs PORT FOLDER [durable].
//
// durable has it store after each change, not 2 to 10 seconds later: debounce 0, the most its settings allow. It
// still acknowledges an edit when it is in memory, and SQLite runs as the extension opens it (rollback journal,
// synchronous=FULL).

import { join } from 'node:path'
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'

const [, , port, folder, mode] = process.argv

const server = new Server({
  port: Number(port),
  address: '127.0.0.1',
  quiet: true,
  ...(mode === 'durable' ? { debounce: 0, maxDebounce: 0 } : {}),
  extensions: [new SQLite({ database: join(folder, 'documents.sqlite') })]
})

await server.listen()
console.log('serving')
