// Killed at each stage of an experiment: whoever leads next has its row, and nothing else.
import { type Bus, connectBus, readStream } from '@corroport/bus'
import {
  experimentBegun,
  experimentCreated,
  experimentFinished,
  experimentQueried,
  experimentStarted,
  ledgerQueried,
} from '@corroport/contracts'
import {
  createTemporaryFolder,
  type NatsServer,
  type Postgres,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'
import { type AnalyticsProcess, startAnalyticsProcess } from './analytics-process.ts'
import {
  type FakeGateway,
  plan,
  quiet,
  startFakeGateway,
  untilStatus,
} from './experiment-harness.ts'

jest.setTimeout(60_000)

let postgres: Postgres
let nats: NatsServer
let everything: AsyncDisposableStack
let folder: { path: string }
let bus: Bus
let node1: FakeGateway
let analytics: AnalyticsProcess

beforeAll(async () => {
  ;[postgres, nats] = await Promise.all([startPostgres(), startNatsServer()])
  await using opened = openDatabase({ url: postgres.url, log: quiet, name: 'migrate' })
  await migrate(opened.db)
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

beforeEach(async () => {
  everything = new AsyncDisposableStack()
  folder = everything.use(createTemporaryFolder())
  bus = everything.use(connectBus({ url: nats.url, name: 'test', log: quiet }))
  node1 = everything.use(
    startFakeGateway({ natsUrl: nats.url, nodeId: 'node1', others: ['node2', 'node3'] }),
  )
  analytics = await start()
  everything.defer(() => analytics[Symbol.asyncDispose]())
})
afterEach(async () => {
  await everything.disposeAsync()
})

async function start(): Promise<AnalyticsProcess> {
  const started = await startAnalyticsProcess({
    DATABASE_URL: postgres.url,
    NATS_URL: nats.url,
    STATE_DIR: folder.path,
    ACK_WAIT_MS: '5000',
  })
  await until(() => started.isReady())
  return started
}

const killAndStart = async (): Promise<void> => {
  await analytics.kill('SIGKILL')
  analytics = await start()
}

async function create(id: string, begins = true): Promise<void> {
  await until(() =>
    bus
      .request(experimentCreated, {}, { id, plan: plan(), by: 'ann', start: begins })
      .then(() => true)
      // The origin was not announced yet.
      .catch(() => false),
  )
}

const ordered = (id: string) =>
  until(() => node1.orders.some(({ experimentId }) => experimentId === id))

/** How it ended, and how often its start and its end were told. */
async function ended(id: string) {
  const { experiment, progress } = await untilStatus(bus, id, 'finished', 'interrupted')
  const { sent, accepted, acks } = progress
  const count = async (event: typeof experimentStarted | typeof experimentFinished) => {
    const subject = event.subject({ experimentId: id })
    return (await readStream(bus, 'RECORDS')).filter((record) => record.subject === subject).length
  }
  await until(async () => (await count(experimentFinished)) > 0)
  await until(async () => (await bus.request(ledgerQueried, {}, {})).is_balanced)
  const told = [await count(experimentStarted), await count(experimentFinished)]
  return { reason: experiment.reason, sent, accepted, acks, told }
}

const whole = { reason: null, sent: 4, accepted: 4, acks: 8, told: [1, 1] }

test('killed before the order was confirmed', async () => {
  await create('ordering', false)
  await node1.silence()
  await bus.request(experimentBegun, {}, { id: 'ordering', by: 'ann' })
  await killAndStart()
  node1.speak()
  await ordered('ordering')
  node1.send('ordering', 4)
  node1.end('ordering')

  expect(await ended('ordering')).toEqual(whole)
  expect(node1.stops).toEqual([])
})

test('killed while its origins send', async () => {
  await create('sending')
  await ordered('sending')
  node1.send('sending', 2)
  await until(async () => {
    const { progress } = await bus.request(experimentQueried, {}, { id: 'sending' })
    return progress.acks === 4
  })
  await analytics.kill('SIGKILL')
  node1.send('sending', 2)
  node1.end('sending')
  analytics = await start()

  expect(await ended('sending')).toEqual(whole)
})

test('killed while acknowledgements are waited for', async () => {
  await create('finishing')
  await ordered('finishing')
  node1.send('finishing', 4, { acks: false })
  node1.end('finishing')
  await untilStatus(bus, 'finishing', 'finishing')
  await analytics.kill('SIGKILL')
  node1.acknowledge()
  analytics = await start()

  expect(await ended('finishing')).toEqual(whole)
})

test('killed after it ended, before that was told', async () => {
  await create('telling')
  await ordered('telling')
  await using opened = openDatabase({ url: postgres.url, log: quiet, name: 'test' })
  const client = await opened.pool.connect()
  // Its figures cannot be stored while somebody holds the table.
  await client.query('BEGIN; LOCK TABLE experiment_block IN ACCESS EXCLUSIVE MODE')
  node1.send('telling', 4)
  node1.end('telling')
  await untilStatus(bus, 'telling', 'finished')
  await analytics.kill('SIGKILL')
  await client.query('ROLLBACK')
  client.release()
  analytics = await start()

  expect(await ended('telling')).toEqual(whole)
})

test('nats is lost in the middle', async () => {
  await create('without-nats')
  await ordered('without-nats')
  node1.send('without-nats', 2)
  await nats.kill()
  node1.send('without-nats', 2)
  node1.end('without-nats')
  await nats.start()

  expect(await ended('without-nats')).toEqual(whole)
})

test('postgres is lost in the middle', async () => {
  await create('without-postgres')
  await ordered('without-postgres')
  node1.send('without-postgres', 2)
  await postgres.kill()
  node1.send('without-postgres', 2)
  node1.end('without-postgres')
  await postgres.start()
  await until(() => analytics.isReady())

  expect(await ended('without-postgres')).toEqual(whole)
})
