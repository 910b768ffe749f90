// The service as a process: who works, and what it survives.

import { connectBus } from '@corroport/bus'
import { experimentsListed, schemaQueried } from '@corroport/contracts'
import {
  createTemporaryFolder,
  type NatsServer,
  type Postgres,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'
import { startAnalyticsProcess } from './analytics-process.ts'
import { quiet } from './harness.ts'

jest.setTimeout(60_000)

let postgres: Postgres
let nats: NatsServer
beforeAll(async () => {
  ;[postgres, nats] = await Promise.all([startPostgres(), startNatsServer()])
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

const migrateAll = async (): Promise<void> => {
  await using opened = openDatabase({ url: postgres.url, log: quiet, name: 'migrate' })
  await migrate(opened.db)
}

const start = (folder: { path: string }, name: string) =>
  startAnalyticsProcess({
    DATABASE_URL: postgres.url,
    NATS_URL: nats.url,
    STATE_DIR: `${folder.path}/${name}`,
  })

test('without its tables it is not ready, and says what to do; then it works', async () => {
  using folder = createTemporaryFolder()
  await using one = await start(folder, 'one')
  const blocked = await until(async () => {
    const state = await one.postgres()
    return state?.detail?.includes('migrations') === true && state
  })
  expect(blocked).toMatchObject({ ok: false })
  expect(blocked.detail).toContain('corroport analytics migrate')
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  const schema = () => bus.request(schemaQueried, {}, {}).catch(() => undefined) // not connected yet
  const { current, pending } = await until(schema)
  expect({ current, last: pending.at(-1) }).toEqual({ current: null, last: expect.any(String) })

  await migrateAll()

  await until(() => one.isReady())
  expect(await until(schema)).toEqual({ current: pending.at(-1), pending: [] })
  const startedAt = performance.now()
  await one.kill('SIGTERM')
  expect(one.child.exitCode).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

test('of two one works; killed, the other takes over', async () => {
  await migrateAll()
  using folder = createTemporaryFolder()
  await using first = await start(folder, 'first')
  await until(async () => (await first.postgres())?.detail === 'leading')
  await using second = await start(folder, 'second')
  await until(async () => (await second.postgres())?.detail?.includes('stands by'))
  expect(await second.isReady()).toBe(true)

  await first.kill('SIGKILL')

  await until(async () => (await second.postgres())?.detail === 'leading')
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  await until(() => bus.isConnected)
  const { experiments } = await bus.request(experimentsListed, {}, { limit: 10 })
  expect(experiments).toEqual([])
})

test('it starts without its neighbours, waits for them, and survives their loss', async () => {
  await migrateAll()
  await postgres.stop()
  await nats.kill()
  using folder = createTemporaryFolder()
  await using one = await start(folder, 'one')
  await until(async () => (await one.postgres())?.detail?.includes('ECONNREFUSED'))

  await postgres.start()
  await nats.start()
  await until(() => one.isReady())

  await postgres.kill()
  await until(async () => (await one.postgres())?.ok === false)
  await postgres.start()
  await until(() => one.isReady())
  expect(one.child.exitCode).toBeNull()
})

test('its connections are ended by the database, and it works on', async () => {
  await migrateAll()
  using folder = createTemporaryFolder()
  await using one = await start(folder, 'one')
  await until(() => one.isReady())
  await using opened = openDatabase({ url: postgres.url, log: quiet, name: 'operator' })

  for (let round = 0; round < 3; round += 1) {
    await until(async () => {
      const { rowCount } = await opened.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'analytics-lock'`,
      )
      return rowCount === 1
    })
    await opened.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'analytics'`,
    )
    await until(() => one.isReady())
  }

  expect(one.child.exitCode).toBeNull()
})
