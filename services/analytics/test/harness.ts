import { type Bus, connectBus } from '@corroport/bus'
import { type Postgres, startNatsServer, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll } from '@jest/globals'
import { Client } from 'pg'
import pino from 'pino'
import { openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'

export const quiet = pino({ level: 'silent' })

let databases = 0

/** A database of its own on that server, with our tables. */
export async function createDatabase(postgres: Postgres) {
  const name = `test_${++databases}`
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(postgres.url)
  url.pathname = name
  return await openMigrated(url.href)
}

/** A Postgres of its own, with our tables. */
export async function startDatabase(settings: Record<string, string> = {}) {
  await using starting = new AsyncDisposableStack()
  const postgres = starting.use(await startPostgres(settings))
  const { db, pool } = starting.use(await openMigrated(postgres.url))
  return Object.assign(starting.move(), { postgres, db, pool })
}

/** A nats-server of its own, and a connection to it. */
export async function startBus() {
  await using starting = new AsyncDisposableStack()
  const nats = starting.use(await startNatsServer())
  const bus = starting.use(connectBus({ url: nats.url, name: 'test', log: quiet }))
  return Object.assign(starting.move(), { nats, bus })
}

/** One Postgres and one connection to a nats-server for all tests of a file. */
export function startServersOfFile() {
  const all = new AsyncDisposableStack()
  let servers: { postgres: Postgres; bus: Bus } | undefined
  beforeAll(async () => {
    const postgres = all.use(await startPostgres())
    const { bus } = all.use(await startBus())
    servers = { postgres, bus }
  })
  afterAll(() => all.disposeAsync())
  return () => {
    if (!servers) throw new Error('the servers are not started before the first test')
    return servers
  }
}

async function openMigrated(url: string) {
  const opened = openDatabase({ url, log: quiet, name: 'test' })
  await migrate(opened.db)
  return Object.assign(opened, { url })
}
