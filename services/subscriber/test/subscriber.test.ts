import { join } from 'node:path'
import { type Bus, connectBus, openStateFile, readStream } from '@corroport/bus'
import {
  type ChangeObserved,
  changeObserved,
  lifecycleReady,
  lifecycleRestarting,
  nowMicroseconds,
  type SubscriptionAudited,
  subscriberStatusQueried,
  subscriptionAudited,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createHealth, createMetrics } from '@corroport/service'
import {
  type CorrosionAgent,
  createTemporaryFolder,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { expect, jest, test } from '@jest/globals'
import pino from 'pino'
import { readConfig } from '../src/config.ts'
import { startSubscriber } from '../src/service.ts'

// A stopped agent takes six seconds to announce its leave.
jest.setTimeout(60_000)

const log = pino({ level: 'silent' })

function start(
  bus: Bus,
  agent: CorrosionAgent,
  stateDir: string,
  more: Record<string, string> = {},
) {
  const config = readConfig({
    NODE_ID: 'node1',
    AGENT_URL: agent.url,
    STATE_DIR: stateDir,
    METRICS_PORT: '9421',
    ...more,
  })
  const health = createHealth('subscriber', 'node1')
  const service = startSubscriber(config, { bus, log, health, metrics: createMetrics() })
  return Object.assign(service, { isReady: () => health.ready().status === 'ok' })
}

/** The changes of node_messages that lie in the stream, oldest first. */
async function changes(bus: Bus): Promise<ChangeObserved[]> {
  const records = await readStream(bus, 'CHANGES')
  return records
    .map(({ text }) => changeObserved.parse(JSON.parse(text)))
    .filter(({ table }) => table === 'node_messages')
}

/** The audits of node_messages, oldest first. */
async function audits(bus: Bus): Promise<SubscriptionAudited[]> {
  const records = await readStream(bus, 'LIFECYCLE')
  return records
    .filter(({ subject }) => subject === subscriptionAudited.filter({ nodeId: 'node1' }))
    .map(({ text }) => subscriptionAudited.parse(JSON.parse(text)))
    .filter(({ table }) => table === 'node_messages')
}

async function write(agent: CorrosionAgent, ...pks: string[]): Promise<void> {
  await using client = createCorrosionClient({ url: agent.url })
  await client.transact(
    pks.map((pk) => ['INSERT INTO node_messages (pk, node_id) VALUES (?, ?)', [pk, 'node9']]),
  )
}

async function startNeighbours() {
  await using starting = new AsyncDisposableStack()
  const folder = starting.use(createTemporaryFolder())
  const nats = starting.use(await startNatsServer({ nodeIds: ['node1'] }))
  const agent = starting.use(await startCorrosionAgent())
  const bus = starting.use(connectBus({ url: nats.url, name: 'test', log }))
  return Object.assign(starting.move(), { folder: folder.path, nats, agent, bus })
}

/** Tells of restarts as the node's config-manager does. */
function openTeller(bus: Bus, folder: string) {
  const path = join(folder, 'teller.sqlite')
  const state = openStateFile({ path, migrations: [], bus, log })
  const to = { nodeId: 'node1' }
  return {
    restarting: (restartId: string, ageMs = 0) => {
      const at = toTimestamp(nowMicroseconds() - ageMs * 1000)
      state.transaction((tell) =>
        tell(lifecycleRestarting, to, { ...to, restartId, at, reason: '' }),
      )
    },
    ready: (restartId: string) => {
      const at = toTimestamp(nowMicroseconds())
      state.transaction((tell) => tell(lifecycleReady, to, { ...to, restartId, at, stepsMs: {} }))
    },
    [Symbol.asyncDispose]: () => state[Symbol.asyncDispose](),
  }
}

test('each state of a row is told once, with its writer', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder)
  await until(() => subscriber.isReady())
  await using client = createCorrosionClient({ url: agent.url })
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

  await client.transact([
    [
      'INSERT INTO node_messages (pk, message, traceparent) VALUES (?, ?, ?)',
      ['m1', "it's", traceparent],
    ],
  ])
  await until(async () => (await changes(bus)).length === 1)
  await client.transact(["UPDATE node_messages SET message = 'two' WHERE pk = 'm1'"])
  await until(async () => (await changes(bus)).length === 2)
  await client.transact(["DELETE FROM node_messages WHERE pk = 'm1'"])
  const seen = await until(async () => {
    const found = await changes(bus)
    return found.length === 3 && found
  })

  expect(seen.map(({ change, row }) => [change, row?.message])).toEqual([
    ['insert', "it's"],
    ['update', 'two'],
    ['delete', undefined],
  ])
  expect(seen[0]?.writes[0]?.siteId).toBe(await client.actorId())
  expect(new Set(seen.map(({ rowVersion }) => rowVersion)).size).toBe(3)
})

test('a thousand rows of one transaction are told once each', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder, { AUDIT_INTERVAL_SECONDS: '1' })
  await until(() => subscriber.isReady())
  const pks = Array.from({ length: 1000 }, (_, index) => `m${index}`)

  await write(agent, ...pks)

  await until(async () => (await changes(bus)).length >= 1000)
  // The subscription shows all of them again, and an audit looks for what was missed.
  await until(async () => {
    const { tables } = await bus.request(subscriberStatusQueried, { nodeId: 'node1' }, {})
    const messages = tables.find(({ table }) => table === 'node_messages')
    return (messages?.lastChangeId ?? 0) >= pks.length
  })
  await until(async () => (await audits(bus)).at(-1)?.rows === pks.length)
  expect((await changes(bus)).map(({ key }) => JSON.stringify(key[0])).toSorted()).toEqual(
    pks.map((pk) => JSON.stringify(pk)).toSorted(),
  )
})

test('an audit tells how long after the updates feed the subscription showed a row', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder, { AUDIT_INTERVAL_SECONDS: '1' })
  await until(() => subscriber.isReady())
  let count = 0

  const told = await until(async () => {
    // Now and then the subscription is first, and then there is nothing to tell.
    count += 1
    await write(agent, `m${count}`)
    return (await audits(bus)).find(({ flushLagMs }) => flushLagMs)
  })

  expect(told.flushLagMs?.p50).toBeGreaterThanOrEqual(0)
  expect(told.flushLagMs?.p95).toBeGreaterThanOrEqual(told.flushLagMs?.p50 ?? Infinity)
})

test('rows written while the subscriber or nats was away are told afterwards, the others not again', async () => {
  await using neighbours = await startNeighbours()
  const { folder, nats, agent, bus } = neighbours
  const first = start(bus, agent, folder)
  await until(() => first.isReady())
  await write(agent, 'm1')
  await until(async () => (await changes(bus)).length === 1)
  await first[Symbol.asyncDispose]()

  await write(agent, 'm2')
  await nats.kill()
  await using second = start(bus, agent, folder)
  await write(agent, 'm3')
  await nats.start()

  await until(() => second.isReady())
  const seen = await until(async () => {
    const found = await changes(bus)
    return found.length >= 3 && found
  })
  expect(seen.map(({ key }) => JSON.stringify(key[0])).toSorted()).toEqual(['"m1"', '"m2"', '"m3"'])
})

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'rows written around a %s of the agent are told once each',
  async (signal) => {
    await using neighbours = await startNeighbours()
    const { folder, agent, bus } = neighbours
    await using subscriber = start(bus, agent, folder)
    await until(() => subscriber.isReady())
    await write(agent, 'm1')
    await until(async () => (await changes(bus)).length === 1)

    await agent.kill(signal)
    await until(() => !subscriber.isReady())
    await agent.start()
    await write(agent, 'm2')

    await until(() => subscriber.isReady())
    const seen = await until(async () => {
      const found = await changes(bus)
      return found.length >= 2 && found
    })
    expect(seen.map(({ key }) => key[0])).toEqual(['m1', 'm2'])
  },
)

test('an announced restart pauses, a ready ends it, and an old announcement pauses nobody', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder)
  await until(() => subscriber.isReady())
  await using teller = openTeller(bus, folder)

  teller.restarting('r0', 600_000)
  teller.restarting('r1')
  await until(() => !subscriber.isReady())
  await write(agent, 'm1')
  teller.ready('r1')

  await until(() => subscriber.isReady())
  await until(async () => (await changes(bus)).length === 1)
  const paused = (await readStream(bus, 'LIFECYCLE')).filter(({ subject }) =>
    subject.includes('subscription.paused'),
  )
  expect(paused.map(({ text }) => (JSON.parse(text) as { restartId: string }).restartId)).toEqual([
    'r1',
    'r1',
  ])
})

test('a restart that never ends is waited for no longer than its limit', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder, { PAUSE_LIMIT_SECONDS: '1' })
  await until(() => subscriber.isReady())
  await using teller = openTeller(bus, folder)

  teller.restarting('r1')

  await until(() => !subscriber.isReady())
  await until(() => subscriber.isReady())
})

test('a row too large for an event is told without its cells', async () => {
  await using neighbours = await startNeighbours()
  const { folder, agent, bus } = neighbours
  await using subscriber = start(bus, agent, folder)
  await until(() => subscriber.isReady())
  await using client = createCorrosionClient({ url: agent.url })

  await client.transact([
    ['INSERT INTO node_messages (pk, message) VALUES (?, ?)', ['m1', 'x'.repeat(2_000_000)]],
    ['INSERT INTO node_messages (pk, message) VALUES (?, ?)', ['m2', 'small']],
  ])

  const seen = await until(async () => {
    const found = await changes(bus)
    return found.length === 2 && found
  })
  expect(seen.find(({ key }) => key[0] === 'm1')).toMatchObject({ row: null, change: 'insert' })
  expect(seen.find(({ key }) => key[0] === 'm2')?.row?.message).toBe('small')
})
