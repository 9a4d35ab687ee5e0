// Real clients of all versions that share documents. The Go tests beside the gateways run this script.
//
//   node providers.mjs SCENARIO SERVER
//
// The scenarios are the functions at the end. It prints "done", or ends with status 1 and a reason.

import { kinds, open, openLine, warned } from './clients.mjs'

const [scenario, server] = process.argv.slice(2)

/** Resolves after the messages under way have come, and checks that nothing has changed by then. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

/** A client, and its text. */
const enter = async (kind, name, options) => {
  const client = await open(kind, server, name, options)
  client.text = client.doc.getText('text')
  client.awareness.setLocalState({ name: kind })
  return client
}

const isSaved = (client) => client.synced && (!client.acknowledged || client.unsaved === 0)

const untilSaved = (client) => client.until('all is saved', () => isSaved(client))

/** Waits until all is saved, and checks that the count reached 0 so many times and was never below. */
const savedTimes = async (client, times) => {
  await untilSaved(client)
  await settle()
  const zeros = client.counts.filter((n) => n === 0).length
  if (zeros !== times || Math.min(...client.counts) < 0 || !isSaved(client)) {
    throw new Error(`${client.label}: unsyncedChanges went ${client.counts}, want 0 ${times} times and never less`)
  }
  client.counts = []
}

const sees = (client, others) => {
  const seen = Object.values(client.presence()).map(({ name }) => name)
  return others.every(({ kind }) => seen.includes(kind))
}

/** Resolves once a check holds, which looks at several clients. */
const untilAll = (clients, what, check) => Promise.all(clients.map((client) => client.until(what, () => check(client))))

const disconnect = async (client) => {
  client.disconnect()
  await client.until('its socket is closed', () => client.down)
}

const everybody = (name) => Promise.all(kinds.map((kind) => enter(kind, name)))

const converge = async (clients) => {
  const [first, ...others] = clients
  for (const client of others) {
    await client.until(`it has the text of ${first.label}`, () => client.text.toString() === first.text.toString(), { other: first })
  }
  return first.text.toString()
}

const scenarios = {
  /** All versions write into one document, at once; all see all and each other. */
  async together () {
    const clients = await everybody('together')
    const told = clients.filter(({ acknowledged }) => acknowledged)
    await untilAll(clients, 'it is in sync', ({ synced }) => synced)
    for (const client of told) {
      await savedTimes(client, 1)
      if (client.events.join() !== 'authenticated,synced') throw new Error(`${client.label}: ${client.events}`)
    }
    await untilAll(clients, 'it sees all', (client) => sees(client, clients))
    for (let round = 0; round < 20; round++) {
      for (const [i, client] of clients.entries()) {
        client.text.insert(Math.floor(client.text.length / 2), String.fromCharCode(97 + i))
        if (round % 5 === 4) client.text.delete(0, 1)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const client of clients) await untilSaved(client)
    await converge(clients)
    await settle()
    const text = await converge(clients)
    if (text.length < 6 * 16) throw new Error(`letters are lost: ${text}`)
    for (const client of told) {
      if (Math.min(...client.counts) < 0 || !isSaved(client)) throw new Error(`${client.label}: unsyncedChanges went ${client.counts}`)
    }
    const late = await enter('hocuspocus-3', 'together')
    await late.until('it has what all have', () => late.text.toString() === text)
    for (const client of [...clients, late]) client.leave()
  },

  /** Each version is offline, writes and deletes, and comes back: all is saved, counted to 0 once. */
  async offline () {
    for (const kind of ['hocuspocus-2', 'hocuspocus-3', 'hocuspocus-4']) {
      for (const edit of ['structs', 'deletes', 'both', 'nothing']) {
        const name = `${kind} ${edit}`
        const client = await enter(kind, name)
        const other = await enter('y-websocket-3', name)
        client.text.insert(0, 'a text')
        await untilSaved(client)
        await converge([client, other])
        await settle()
        await disconnect(client)
        client.counts = []
        if (edit !== 'nothing') {
          for (let i = 0; i < 3; i++) {
            if (edit !== 'deletes') client.text.insert(2, 'x')
            if (edit !== 'structs') client.text.delete(client.text.length - 1, 1)
          }
        }
        client.connect()
        await savedTimes(client, 1)
        await converge([client, other])
        client.text.insert(0, 'y')
        client.text.delete(1, 1)
        await untilSaved(client)
        await settle()
        if (Math.min(...client.counts) < 0) throw new Error(`${client.label}: unsyncedChanges went ${client.counts}`)
        client.counts = []
        client.provider.forceSync()
        await savedTimes(client, 1)
        client.leave()
        other.leave()
      }
    }
  },

  /** Several documents on one socket; version 4 with session ids, one document several times. */
  async multiplexed () {
    for (const kind of ['hocuspocus-2', 'hocuspocus-3', 'hocuspocus-4']) {
      const line = await openLine(kind, server)
      const names = ['one', 'two', 'three'].map((name) => `${name} ${kind}`)
      const clients = await Promise.all(names.map((name) => enter(kind, name, { line })))
      for (const client of clients) await savedTimes(client, 1)
      for (const [i, client] of clients.entries()) client.text.insert(0, names[i])
      for (const client of clients) await untilSaved(client)
      const others = await Promise.all(names.map((name) => enter('y-websocket-3', name)))
      for (const [i, other] of others.entries()) await other.until('it has the text', () => other.text.toString() === names[i])
      clients[0].leave()
      others[1].text.insert(0, '>')
      await clients[1].until('the socket lives on', () => clients[1].text.toString() === `>${names[1]}`)
      await others[0].until('who left is seen no more', () => !sees(others[0], [clients[0]]))
      // All of one socket's documents after a reconnect.
      await disconnect(clients[1])
      for (const client of clients.slice(1)) {
        client.counts = []
        client.text.insert(0, 'offline ')
      }
      clients[1].connect()
      for (const client of clients.slice(1)) await savedTimes(client, 1)
      await converge([clients[2], others[2]])
      for (const client of [...clients.slice(1), ...others]) client.leave()
      line.socket.destroy()
    }
    const line = await openLine('hocuspocus-4', server)
    const clients = []
    for (let i = 0; i < 3; i++) clients.push(await enter('hocuspocus-4', 'sessions', { line, sessionAwareness: true }))
    for (const client of clients) await savedTimes(client, 1)
    for (const client of clients) client.text.insert(0, 'abc')
    await untilAll(clients, 'all letters are there and saved', (client) => client.text.length === 9 && isSaved(client))
    await converge(clients)
    await untilAll(clients, 'it sees all', ({ awareness }) => awareness.getStates().size === 3)
    for (const client of clients) client.leave()
    line.socket.destroy()
  },

  /** Whoever comes back is seen at once, and sees all others at once. */
  async presence () {
    const clients = await everybody('presence')
    await untilAll(clients, 'it sees all', (client) => sees(client, clients))
    for (const client of clients) {
      const others = clients.filter((other) => other !== client)
      await disconnect(client)
      await untilAll(others, `${client.label} is gone`, (other) => !sees(other, [client]))
      const begun = Date.now()
      client.connect()
      await untilAll(others, `it sees ${client.label} again`, (other) => sees(other, [client]))
      await client.until('it sees all again', () => sees(client, others))
      // A renewal would come after 15 s.
      if (Date.now() - begun > 10_000) throw new Error(`${client.label} came back too late`)
    }
    for (const client of clients) client.leave()
  },

  /** Who asks is told what happens, by whichever client, and nobody else is. */
  async activity () {
    for (const kind of ['hocuspocus-2', 'hocuspocus-3', 'hocuspocus-4']) {
      const name = `activity ${kind}`
      const [one, silent] = [await enter(kind, name), await enter(kind, name)]
      await untilSaved(silent)
      one.provider.sendStateless(JSON.stringify({ type: 'activity', on: true }))
      one.text.insert(0, 'begun')
      await untilSaved(one) // so it has asked
      const heard = []
      for (const writer of kinds) {
        const other = await enter(writer, name)
        other.awareness.setLocalState({ user: { id: `device-${writer}`, name: `Ada ${writer}`, color: '#0b6bcb' } })
        await one.until('it sees who came', () => one.awareness.getStates().has(other.doc.clientID), { other })
        other.text.insert(0, 'x')
        heard.push(`joined device-${writer}`, `edited device-${writer}`)
        const told = () => one.notices.map((notice) => JSON.parse(notice)).flatMap(({ type, entries }) => type === 'activity' ? entries : [])
        await one.until('it hears of that', () => told().map(({ type, person }) => `${type} ${person}`).join() === heard.join())
        for (const { revision, at, name, color } of told().slice(-2)) {
          if (!/^\d+\.\d+$/.test(revision) || Math.abs(Date.now() - Date.parse(at)) > 60_000 || name !== `Ada ${writer}` || color !== '#0b6bcb') {
            throw new Error(`an entry has ${revision}, ${at}, ${name}, ${color}`)
          }
        }
      }
      await settle()
      if (silent.notices.length > 0) throw new Error(`who hasn't asked is told ${silent.notices}`)
    }
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
