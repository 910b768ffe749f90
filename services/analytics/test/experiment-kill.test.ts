// Killed or told to end at each stage of an experiment: whoever leads next has its row, and nothing else.
import { once } from 'node:events'
import { join } from 'node:path'
import { type Bus, connectBus, readStream } from '@corroport/bus'
import {
  experimentBegun,
  experimentCreated,
  experimentFinished,
  experimentProgressed,
  experimentQueried,
  experimentStarted,
  ledgerQueried,
  shareOrdered,
} from '@corroport/contracts'
import { createTemporaryFolder, type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { createShareOrder } from '../src/experiments/experiment-plan.ts'
import { type AnalyticsProcess, startAnalyticsProcess } from './analytics-process.ts'
import { type FakeGateway, plan, startFakeGateway, untilStatus } from './experiment-harness.ts'
import { quiet, startDatabase } from './harness.ts'

jest.setTimeout(60_000)

let database: Awaited<ReturnType<typeof startDatabase>>
let nats: NatsServer
let everything: AsyncDisposableStack
let folder: { path: string }
let bus: Bus
let node1: FakeGateway
let analytics: AnalyticsProcess

beforeAll(async () => {
  ;[database, nats] = await Promise.all([startDatabase(), startNatsServer()])
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
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

async function start(name = 'first'): Promise<AnalyticsProcess> {
  const started = await startAnalyticsProcess({
    DATABASE_URL: database.postgres.url,
    NATS_URL: nats.url,
    STATE_DIR: join(folder.path, name),
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

/** Holds the table until it is given up. */
async function hold(table: string, mode: string) {
  await using holding = new AsyncDisposableStack()
  const client = await database.pool.connect()
  holding.defer(() => client.release())
  await client.query(`BEGIN; LOCK TABLE ${table} IN ${mode} MODE`)
  holding.defer(async () => void (await client.query('ROLLBACK')))
  const hasWaiting = async () => {
    const { rowCount } = await client.query('SELECT FROM pg_locks WHERE NOT granted')
    return rowCount !== 0
  }
  return Object.assign(holding.move(), { hasWaiting })
}

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

test('killed after an order was taken, before that was noted', async () => {
  await create('noting', false)
  await node1.silence()
  await bus.request(experimentBegun, {}, { id: 'noting', by: 'ann' })
  await analytics.kill('SIGKILL')
  node1.speak()
  const order = createShareOrder({ id: 'noting', plan: plan() }, 'node1', 0)
  await until(() => bus.request(shareOrdered, { nodeId: 'node1' }, order).catch(() => false))
  node1.send('noting', 4)
  node1.end('noting')
  analytics = await start()

  expect(await ended('noting')).toEqual(whole)
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
  // Its figures cannot be stored meanwhile.
  const held = await hold('experiment_block', 'ACCESS EXCLUSIVE')
  node1.send('telling', 4)
  node1.end('telling')
  await untilStatus(bus, 'telling', 'finished')
  await analytics.kill('SIGKILL')
  await held.disposeAsync()
  analytics = await start()

  expect(await ended('telling')).toEqual(whole)
})

test('told to end with a batch in flight while its origins send: another one goes on', async () => {
  const second = everything.use(await start('second'))
  await create('handed-over')
  await ordered('handed-over')
  // Reads go on, and nothing can be stored.
  const held = await hold('sent', 'SHARE')
  node1.send('handed-over', 2)
  await until(() => held.hasWaiting())

  const ending = once(analytics.child, 'exit')
  analytics.child.kill('SIGTERM')
  await until(async () => !(await analytics.isReady()))
  expect(analytics.child.exitCode).toBeNull()
  node1.send('handed-over', 2)
  node1.end('handed-over')
  await held.disposeAsync()

  expect(await ending).toEqual([0, null])
  await until(async () => (await second.postgres())?.detail === 'leading')
  expect(await ended('handed-over')).toEqual(whole)
})

test('nats loses all that it has, of which a part was waited for', async () => {
  await create('wiped')
  await ordered('wiped')
  const held = await hold('sent', 'SHARE')
  const progressed: string[] = []
  await using _hearing = bus.hear(experimentProgressed, ({ status, at }) => {
    if (status === 'finishing') progressed.push(at)
  })
  node1.send('wiped', 2)
  await until(() => held.hasWaiting())
  // No batch that is stored later has these.
  node1.send('wiped', 2)
  node1.end('wiped')
  const { experiment } = await untilStatus(bus, 'wiped', 'finishing')
  // Two looks after the deadline: the first one has noted where the streams are.
  await until(
    () => progressed.filter((at) => at > String(experiment.deadline_at)).length >= 2,
    20_000,
  )

  await nats.kill()
  nats.wipe()
  await nats.start()
  await held.disposeAsync()

  const { experiment: last, progress } = await untilStatus(bus, 'wiped', 'finished')
  expect(last.reason).toBeNull()
  expect(progress).toMatchObject({ sent: 4, accepted: 4, acks: 8 })
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
  await database.postgres.kill()
  node1.send('without-postgres', 2)
  node1.end('without-postgres')
  await database.postgres.start()
  await until(() => analytics.isReady())

  expect(await ended('without-postgres')).toEqual(whole)
})
