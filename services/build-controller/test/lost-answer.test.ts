// The connection to Postgres breaks when a statement was carried out and its answer is on the way.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import {
  asAdmin,
  createDatabase,
  registerWorker,
  startController,
  startPostgresOfFile,
  toForm,
} from './harness.ts'

const postgres = startPostgresOfFile()

/** Passes on what a database is asked; once it is told to, the answer to the next that has this text is lost. */
async function startThief(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl)
  let text: string | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const database = connect(Number(port), hostname)
    let isStolen = false
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        database.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (text !== undefined && chunk.includes(text)) {
        isStolen = true
        text = undefined
      }
      database.write(chunk)
    })
    database.on('data', (chunk) => {
      if (isStolen) client.destroy()
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(databaseUrl)
  url.port = String(address !== null && typeof address === 'object' ? address.port : 0)
  return {
    url: url.href,
    steal: (wanted: string) => {
      text = wanted
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

test('a build whose submission got no answer has its source, and is submitted once', async () => {
  await using database = await createDatabase(postgres())
  await using thief = await startThief(database.url)
  await using controller = await startController(postgres(), {}, { databaseUrl: thief.url })
  const submit = () =>
    controller.ask('/api/builds/submit', {
      headers: { ...asAdmin, 'idempotency-key': 'once' },
      form: toForm({ platform: 'ios', source: new Blob(['PK of a source']) }),
    })

  thief.steal('INSERT INTO builds.build')
  const lost = await submit()
  const again = await submit()

  expect(lost).toMatchObject({ status: 503, body: { error: 'the database is away, try again' } })
  expect(again.status).toBe(200)
  const worker = await registerWorker(controller)
  const { body } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  expect(body['job'].id).toBe(again.body['id'])
  const source = await controller.ask(body['job'].source_url, { headers: worker.headers })
  expect([source.status, source.bytes.toString()]).toEqual([200, 'PK of a source'])
})

test('a result whose report got no answer is there, and a report again is the same', async () => {
  await using database = await createDatabase(postgres())
  await using thief = await startThief(database.url)
  await using controller = await startController(postgres(), {}, { databaseUrl: thief.url })
  const form = toForm({ platform: 'ios', source: new Blob(['PK of a source']) })
  const { body } = await controller.ask('/api/builds/submit', { headers: asAdmin, form })
  const worker = await registerWorker(controller)
  await controller.ask('/api/workers/poll', { headers: worker.headers })
  const upload = () =>
    controller.ask('/api/workers/upload', {
      headers: worker.headers,
      form: toForm({ build_id: body['id'], success: 'true', result: new Blob(['ipa']) }),
    })

  thief.steal('builds.finish')
  const lost = await upload()
  const again = await upload()

  expect([lost.status, again.status]).toEqual([503, 200])
  const path = `/api/builds/${body['id']}/download`
  expect((await controller.ask(path, { headers: asAdmin })).bytes.toString()).toBe('ipa')
})
