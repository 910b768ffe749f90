// What a person sees when something around a service is not as it should be.

import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '@corroport/analytics/store/database.ts'
import { migrate } from '@corroport/analytics/store/migrate.ts'
import { createLog } from '@corroport/service'
import {
  createTemporaryFolder,
  type NatsServer,
  type Postgres,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { sql } from 'kysely'
import { startNats } from './nats-process.ts'
import { serviceNames, startService } from './service-process.ts'

jest.setTimeout(60_000)

const folder = createTemporaryFolder()
const quiet = createLog({ level: 'fatal' })
let nats: NatsServer
let postgres: Postgres

beforeAll(async () => {
  // The server of Postgres is another user.
  chmodSync(folder.path, 0o755)
  const rules = join(folder.path, 'pg_hba.conf')
  writeFileSync(
    rules,
    'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
  )
  ;[nats, postgres] = await Promise.all([
    startNatsServer({ nodeIds: ['node1'] }),
    startPostgres({ hba_file: rules }),
  ])
})

afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

/** What all services share is tried on one of a node and on the one of the cluster. */
const two = ['gateway', 'analytics'] as const

const file = (name: string, text: string): string => {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

/** An empty database of its own. */
async function createDatabase(name: string): Promise<string> {
  await using opened = openDatabase({ url: postgres.url, log: quiet, name: 'test' })
  await sql`CREATE DATABASE ${sql.id(name)}`.execute(opened.db)
  return postgres.url.replace(/\/postgres$/, `/${name}`)
}

test.each(two)('%s ends with a line when a secret is not where it is said', async (name) => {
  const path = join(folder.path, 'not-mounted')
  await using service = await startService(name, { NATS_PASSWORD_FILE: path })

  expect(await service.exitCode()).toBe(1)

  expect(service.output()).toBe(
    `NATS_PASSWORD_FILE=${path} does not exist: mount the secret there, or set NATS_PASSWORD\n`,
  )
})

test.each(two)('%s does not show its health to others without a token', async (name) => {
  const METRICS_HOST = '0.0.0.0'
  await using open = await startService(name, { METRICS_HOST })

  expect(await open.exitCode()).toBe(1)
  expect(open.output()).toMatch(/^METRICS_HOST=0\.0\.0\.0 .*METRICS_TOKEN_FILE.*\n$/)

  const token = 'a-token-of-thirty-two-characters'
  const METRICS_TOKEN_FILE = file(`${name}.token`, `${token}\n`)
  await using guarded = await startService(name, { METRICS_HOST, METRICS_TOKEN_FILE })
  await until(() =>
    guarded.ask('/health/live').then(
      () => true,
      () => false,
    ),
  )
  expect(await guarded.ask('/health/ready')).toEqual({
    status: 503,
    text: '{"status":"unavailable"}',
  })
  expect((await guarded.ask('/metrics')).status).toBe(401)
  const authorization = `Bearer ${token}`
  expect((await guarded.ask('/health/ready', { authorization })).text).toContain('"nats"')
  expect((await guarded.ask('/metrics', { authorization })).text).toContain('process_cpu')
  expect(guarded.output()).not.toContain(token)
})

test.each(two)('%s serves for STOP_DELAY_MS after SIGTERM, not ready', async (name) => {
  const delayMs = 1500
  await using service = await startService(name, {
    NATS_URL: nats.url,
    STOP_DELAY_MS: String(delayMs),
  })
  await service.line('started')
  const apiAnswers = () =>
    fetch(`http://127.0.0.1:${service.apiPort}/api/nodes`).then(({ status }) => status)

  const signalledAt = performance.now()
  service.child.kill('SIGTERM')
  await service.line('stopping')
  expect((await service.ask('/health/ready')).text).toContain('"detail":"stopping"')
  expect((await service.ask('/health/live')).status).toBe(200)
  expect(name === 'gateway' ? await apiAnswers() : 200).toBe(200)

  expect(await service.exitCode()).toBe(0)
  expect(performance.now() - signalledAt).toBeGreaterThan(delayMs)
})

test.each(two)('%s says which of its settings NATS does not like', async (name) => {
  await using server = await startNats({ password: 'Other', hasJetStream: false })
  await using service = await startService(name, {
    NATS_URL: server.url,
    NATS_USER: 'corroport',
    NATS_PASSWORD_FILE: file(`${name}.password`, 'Sesame\n'),
  })

  const refused = await service.line('(or NATS_PASSWORD_FILE)')
  expect(refused).toMatchObject({
    level: 'warn',
    advice: expect.stringMatching(/NATS_USER and NATS_PASSWORD \(or NATS_PASSWORD_FILE\)/),
  })
  await service.checked('nats', 'NATS_USER and NATS_PASSWORD')
  expect(await service.isReady()).toBe(false)
  expect((await service.ask('/health/live')).status).toBe(200)

  await server.restart({ password: 'Sesame', hasJetStream: false })
  await service.line('nats connected')
  // Analytics claims no name, so that it misses JetStream only where it reads.
  const isClaiming = name !== 'analytics'
  if (isClaiming) {
    await service.line('turn JetStream on')
    await service.checked('nats', 'turn JetStream on')
  }

  await server.restart({ password: 'Sesame', hasJetStream: true })
  if (isClaiming) await service.checked('nats', 'run corroport streams apply')
  await server.applyStreams()
  await until(async () => (await service.check('nats'))?.ok === true)

  await server.restart({ password: 'Changed', hasJetStream: true })
  expect((await service.line('nats not reached again')).advice).toContain('NATS_PASSWORD')
  await service.checked('nats', 'NATS_USER and NATS_PASSWORD')
  await server.restart({ password: 'Sesame', hasJetStream: true })
  await until(async () => (await service.check('nats'))?.ok === true)

  expect(service.output()).not.toContain('Sesame')
  expect(service.child.exitCode).toBeNull()
})

test.each(two)('%s ends with one line when its port is taken', async (name) => {
  await using other = createServer()
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const address = other.address()
  const port = String(typeof address === 'object' && address ? address.port : 0)
  for (const variable of name === 'gateway'
    ? ['METRICS_PORT', 'API_PORT', 'PEER_PORT']
    : ['METRICS_PORT']) {
    await using service = await startService(name, { [variable]: port })

    expect(await service.exitCode()).toBe(1)

    expect(await service.line('"level":"fatal"')).toMatchObject({
      advice: `port ${port} is taken: end who listens there, or set another ${variable}`,
    })
    expect(service.output().match(/fatal/g)).toHaveLength(1)
    expect(service.output()).not.toMatch(/^ +at /m)
  }
})

test.each(serviceNames)('%s ends with one line when it may not write its state', async (name) => {
  const STATE_DIR = file(`${name}.state`, 'no folder')
  await using service = await startService(name, { STATE_DIR })

  expect(await service.exitCode()).toBe(1)

  expect((await service.line('"level":"fatal"')).advice).toContain('STATE_DIR has to be a folder')
})

test('the second of a node id ends, and names the first', async () => {
  await using first = await startService('ack-sender', { NATS_URL: nats.url })
  await until(() => first.isReady())
  await using second = await startService('ack-sender', { NATS_URL: nats.url })

  expect(await second.exitCode()).toBe(1)

  const line = await second.line('node id is in use')
  expect(line.refusal).toContain(`pid ${first.child.pid}, last seen`)
  expect(line.advice).toContain('another NODE_ID')
  expect(await first.isReady()).toBe(true)
})

test('analytics says that Postgres refuses its password, and goes on when it does not', async () => {
  const database = await createDatabase('passwords')
  await using opened = openDatabase({ url: database, log: quiet, name: 'test' })
  await migrate(opened.db)
  await sql`CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'Other'`.execute(opened.db)
  const url = database.replace('postgres@', 'keeper:Sesame@')
  await using analytics = await startService('analytics', {
    NATS_URL: nats.url,
    DATABASE_URL_FILE: file('database.url', url),
    DATABASE_URL: undefined,
  })

  const refused = await analytics.line('postgres away')
  expect(refused.advice).toContain('DATABASE_URL (or DATABASE_URL_FILE)')
  await analytics.checked('postgres', 'DATABASE_URL (or DATABASE_URL_FILE)')

  await sql`ALTER ROLE keeper PASSWORD 'Sesame'`.execute(opened.db)
  await until(() => analytics.isReady())
  expect(analytics.output()).not.toContain('Sesame')
})

test('analytics says which command an old schema needs', async () => {
  const url = await createDatabase('old')
  await using opened = openDatabase({ url, log: quiet, name: 'test' })
  await using analytics = await startService('analytics', { NATS_URL: nats.url, DATABASE_URL: url })

  expect((await analytics.line('schema does not fit')).advice).toContain(
    'run corroport analytics migrate',
  )
  await analytics.checked('postgres', 'run corroport analytics migrate')

  await migrate(opened.db)
  await until(() => analytics.isReady())
})

test('analytics does not work on a schema of a newer version, and says so', async () => {
  const url = await createDatabase('newer')
  await using opened = openDatabase({ url, log: quiet, name: 'test' })
  await migrate(opened.db)
  await sql`INSERT INTO kysely_migration VALUES ('2027-01-01-later', '2027-01-01')`.execute(
    opened.db,
  )
  await using analytics = await startService('analytics', { NATS_URL: nats.url, DATABASE_URL: url })

  const newer = 'migrated by a newer version (2027-01-01-later): run that version of analytics'
  expect((await analytics.line('schema does not fit')).advice).toContain(newer)
  await analytics.checked('postgres', newer)
  await expect(migrate(opened.db)).rejects.toThrow(newer)

  await sql`DELETE FROM kysely_migration WHERE name = '2027-01-01-later'`.execute(opened.db)
  await until(() => analytics.isReady())
})
