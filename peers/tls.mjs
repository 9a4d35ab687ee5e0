// Each kind of real client writes a word into a document over TLS, and sees those of all others.
//
//   node tls.mjs SERVER
//
// NODE_EXTRA_CA_CERTS names the server's certificate.

import { kinds, open } from './clients.mjs'

const [server] = process.argv.slice(2)
const clients = await Promise.all(kinds.map((kind) => open(kind, server, 'tls')))
for (const client of clients) {
  await client.untilSynced()
  client.doc.getMap('words').set(client.kind, true)
}
for (const client of clients) await client.until('all words are there', () => client.doc.getMap('words').size === kinds.length)
for (const client of clients) client.leave()
