// Experiments against a real database, a real nats-server and the real ingest. The gateways are doubles.
import { join } from 'node:path'
import { type Bus, CommandError, connectBus, openStateFile, readStream } from '@corroport/bus'
import {
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentFinished,
  experimentProgressed,
  experimentQueried,
  experimentStarted,
  experimentsListed,
  figuresQueried,
} from '@corroport/contracts'
import { openDirectory, openViews } from '@corroport/identity'
import {
  createTemporaryFolder,
  type NatsServer,
  type Postgres,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { Registry } from 'prom-client'
import { startExperiments } from '../src/experiments/start-experiments.ts'
import { startIngest } from '../src/ingest/start-ingest.ts'
import { createRoster } from '../src/roster.ts'
import { answerFigures } from '../src/statistics/answer-figures.ts'
import {
  type FakeGateway,
  microseconds,
  plan,
  startFakeGateway,
  untilStatus,
} from './experiment-harness.ts'
import { createDatabase, quiet } from './harness.ts'

jest.setTimeout(30_000)

const ackWaitMs = 3000

let postgres: Postgres
let nats: NatsServer
let everything: AsyncDisposableStack
let bus: Bus
let node1: FakeGateway
let node2: FakeGateway

beforeAll(async () => {
  ;[postgres, nats] = await Promise.all([startPostgres(), startNatsServer()])
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

beforeEach(async () => {
  everything = new AsyncDisposableStack()
  const folder = everything.use(createTemporaryFolder())
  // One that a test leaves open would be carried on in the next one.
  const { db } = everything.use(await createDatabase(postgres))
  bus = everything.use(connectBus({ url: nats.url, name: 'analytics', log: quiet }))
  const state = everything.use(
    openStateFile({ path: join(folder.path, 'state.sqlite'), migrations: [], bus, log: quiet }),
  )
  const directory = everything.use(
    openDirectory({ bus, log: quiet, path: join(folder.path, 'nodes.json') }),
  )
  const views = everything.use(openViews({ bus }))
  const roster = everything.use(createRoster({ bus, directory, views }))
  node1 = everything.use(
    startFakeGateway({ natsUrl: nats.url, nodeId: 'node1', others: ['node2', 'node3'] }),
  )
  node2 = everything.use(
    startFakeGateway({ natsUrl: nats.url, nodeId: 'node2', others: ['node1', 'node3'] }),
  )
  everything.use(startIngest({ db, bus, log: quiet, metrics: new Registry() }))
  everything.use(answerFigures({ db, bus }))
  const clocks = { compareNow: async () => undefined }
  everything.use(
    startExperiments({ db, bus, state, directory, roster, clocks, log: quiet, ackWaitMs }),
  )
  await until(() => roster.nodeIds().length === 2)
})
afterEach(async () => {
  await everything.disposeAsync()
})

const create = async (changes: Parameters<typeof plan>[0] = {}, id?: string) => {
  const { experiment } = await bus.request(
    experimentCreated,
    {},
    { ...(id !== undefined && { id }), plan: plan(changes), by: 'ann', start: true },
  )
  return experiment.id
}

const refusalOf = async (asked: Promise<unknown>) => {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof CommandError ? error.refusal : undefined
}

const ordered = (gateway: FakeGateway, id: string) =>
  until(() => gateway.orders.some(({ experimentId }) => experimentId === id))

const told = async (subject: string) =>
  (await readStream(bus, 'RECORDS')).filter((record) => record.subject === subject)

test('an experiment is ordered, followed and finished, and its figures are there', async () => {
  const heard: unknown[] = []
  await using _hearing = bus.hear(experimentProgressed, (progress) => void heard.push(progress))
  const id = await create({ origins: ['node1', 'node2'] })
  await Promise.all([ordered(node1, id), ordered(node2, id)])
  for (const gateway of [node1, node2]) {
    gateway.send(id, 2)
    gateway.end(id)
  }
  const { experiment, progress } = await untilStatus(bus, id, 'finished')

  expect(experiment.reason).toBeNull()
  expect(experiment.expected).toEqual(['node1', 'node2'])
  const agent = { agent_kind: 'real', agent_version: '0.1.4', was_present: true }
  expect(experiment.environment?.nodes).toMatchObject([
    { node_id: 'node1', ...agent },
    { node_id: 'node2', ...agent },
  ])
  expect(experiment.environment?.versions).toMatchObject({
    postgres: expect.stringMatching(/^18\./),
    nats: expect.stringMatching(/^2\./),
  })
  expect(progress).toEqual({
    planned: 4,
    sent: 4,
    accepted: 4,
    failed: 0,
    skipped: 0,
    expected_acks: 8,
    acks: 8,
  })
  expect(heard.length).toBeGreaterThan(0)
  await until(async () => (await told(experimentFinished.subject({ experimentId: id }))).length > 0)
  const { figures } = await bus.request(figuresQueried, {}, { id })
  expect(figures.transports.map(({ counts }) => [counts.acks, counts.lost])).toEqual([[8, 0]])
  expect(await told(experimentStarted.subject({ experimentId: id }))).toHaveLength(1)
  expect(await told(experimentFinished.subject({ experimentId: id }))).toHaveLength(1)
})

test('acknowledgements are waited for until the deadline, and no longer', async () => {
  const id = await create()
  await ordered(node1, id)
  node1.send(id, 4, { acks: false })
  node1.end(id)
  const { experiment, progress } = await untilStatus(bus, id, 'finished')

  const waited = microseconds(experiment.finished_at) - microseconds(experiment.sending_ended_at)
  expect(waited / 1000).toBeGreaterThanOrEqual(ackWaitMs)
  expect([progress.expected_acks, progress.acks]).toEqual([8, 0])
  expect(microseconds(experiment.deadline_at)).toBeGreaterThanOrEqual(
    microseconds(experiment.sending_ended_at) + ackWaitMs * 1000,
  )

  node1.acknowledge()
  await until(async () => {
    const { figures } = await bus.request(figuresQueried, {}, { id })
    return figures.transports.some(({ counts }) => counts.late === 8)
  })
})

test('nobody answers: it ends interrupted, and says who was silent', async () => {
  await node1.silence()
  const id = await create()
  const { experiment } = await untilStatus(bus, id, 'interrupted')

  expect(experiment.reason).toMatch(
    /^the share of node1 is lost after 0 of 4: its gateway did not answer for \d+ s$/,
  )
  expect(experiment.shares.map(({ state }) => state)).toEqual(['lost'])
})

test('an order that is refused is no silence, and the others go on', async () => {
  node1.refuse('node1 is draining')
  const id = await create({ origins: ['node1', 'node2'] })
  await ordered(node2, id)
  node2.send(id, 2)
  node2.end(id)
  const { experiment, progress } = await untilStatus(bus, id, 'interrupted')

  expect(experiment.reason).toContain('node1 is draining')
  expect(progress.sent).toBe(2)
})

test('a gateway that was away goes on, and what it skipped is said', async () => {
  // It is not given up before it should have sent all.
  const id = await create({ interval_ms: 60_000 })
  await ordered(node1, id)
  node1.send(id, 2)
  await node1.silence()
  await until(async () => {
    const { progress } = await bus.request(experimentQueried, {}, { id })
    return progress.acks === 4
  })
  node1.speak()
  node1.skip(id, [2])
  node1.send(id, 1)
  node1.end(id)
  const { experiment, progress } = await untilStatus(bus, id, 'interrupted')

  expect(experiment.reason).toBe('node1 skipped 1 of 4')
  expect([progress.sent, progress.skipped]).toEqual([3, 1])
})

test('a gateway that never comes back is given up', async () => {
  const id = await create()
  await ordered(node1, id)
  node1.send(id, 2)
  await untilStatus(bus, id, 'running')
  await until(async () => {
    const { experiment } = await bus.request(experimentQueried, {}, { id })
    return experiment.shares[0]?.sent === 2
  })
  await node1.silence()
  const { experiment, progress } = await untilStatus(bus, id, 'interrupted')

  expect(experiment.reason).toMatch(
    /^the share of node1 is lost after 2 of 4: its gateway did not answer for/,
  )
  expect(progress.sent).toBe(2)
})

test('a gateway that lost its state is given up at once', async () => {
  const id = await create()
  await ordered(node1, id)
  node1.forget(id)
  const { experiment } = await untilStatus(bus, id, 'interrupted')

  expect(experiment.reason).toContain('knows nothing of it')
})

test('an origin that leaves ends it, and no other one is begun there', async () => {
  const id = await create()
  await ordered(node1, id)
  node1.send(id, 2)
  node1.end(id, 'this node is draining')
  const { experiment } = await untilStatus(bus, id, 'interrupted')
  expect(experiment.reason).toBe('node1 ended after 2 of 4: this node is draining')

  const later = await bus.request(experimentCreated, {}, { plan: plan(), by: 'ann', start: false })
  node1.become('left')

  const begun = { id: later.experiment.id, by: 'ann' }
  const refusal = await until(async () => await refusalOf(create()))
  expect(refusal).toMatchObject({
    code: 'invalid',
    problems: ['origin node1 has left the cluster'],
  })
  expect(await refusalOf(bus.request(experimentBegun, {}, begun))).toEqual(refusal)
})

test('a person stops it', async () => {
  const id = await create()
  await ordered(node1, id)
  node1.send(id, 2)
  await untilStatus(bus, id, 'running')
  await node1.silence()
  await bus.request(experimentEnded, {}, { id, by: 'bob' })
  await bus.request(experimentEnded, {}, { id, by: 'carol' })
  node1.speak()
  const { experiment, progress } = await untilStatus(bus, id, 'stopped')

  expect(node1.stops).toContain(id)
  expect(experiment.reason).toBe('stopped by bob')
  expect(progress).toMatchObject({ sent: 2, acks: 4 })
  expect((await refusalOf(bus.request(experimentEnded, {}, { id, by: 'bob' })))?.code).toBe(
    'conflict',
  )
})

test('one without a count runs until it is stopped', async () => {
  const id = await create({ count: 0 })
  await ordered(node1, id)
  node1.send(id, 3)
  await bus.request(experimentEnded, {}, { id, by: 'bob' })
  const { experiment } = await untilStatus(bus, id, 'finished')

  expect(experiment.reason).toBe('stopped by bob')
})

test('the name of an experiment is used once, also after it was deleted', async () => {
  const id = await create({}, 'once')
  expect((await refusalOf(create({}, 'once')))?.code).toBe('conflict')
  await ordered(node1, id)
  expect((await refusalOf(bus.request(experimentDeleted, {}, { id, by: 'ann' })))?.code).toBe(
    'conflict',
  )
  node1.send(id, 4)
  node1.end(id)
  await untilStatus(bus, id, 'finished')
  await bus.request(experimentDeleted, {}, { id, by: 'ann' })

  expect((await refusalOf(bus.request(experimentQueried, {}, { id })))?.code).toBe('not-found')
  expect((await refusalOf(create({}, 'once')))?.code).toBe('conflict')
})

test('the name of one that sent nothing is not used again either', async () => {
  const id = await create({}, 'silent')
  await untilStatus(bus, id, 'running')
  await ordered(node1, id)
  await until(async () => (await told(experimentStarted.subject({ experimentId: id }))).length > 0)
  await bus.request(experimentEnded, {}, { id, by: 'bob' })
  await untilStatus(bus, id, 'stopped')
  await bus.request(experimentDeleted, {}, { id, by: 'bob' })

  // Its gateway would answer an order with how the first one ended.
  expect((await refusalOf(create({}, 'silent')))?.code).toBe('conflict')
})

test('one that was only stored is begun later, once', async () => {
  const { experiment } = await bus.request(
    experimentCreated,
    {},
    { plan: plan({ name: 'For later' }), by: 'ann', start: false },
  )
  const { id } = experiment
  expect(experiment.status).toBe('created')
  expect(id).toMatch(/^for-later-[0-9a-z]{8}$/)

  const begun = await Promise.allSettled([
    bus.request(experimentBegun, {}, { id, by: 'ann' }),
    bus.request(experimentBegun, {}, { id, by: 'bob' }),
  ])

  expect(begun.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await bus.request(experimentEnded, {}, { id, by: 'ann' })
})

test('all that is wrong with a plan is said at once', async () => {
  const refusal = await refusalOf(
    create({ origins: ['node1', 'node9'], warmup: 4, repeat_of: 'nothing' }),
  )

  expect(refusal?.code).toBe('invalid')
  expect(refusal?.problems).toEqual([
    'origin node9 is not known',
    'warmup is 4 of 4 messages: nothing would be counted',
    'repeat_of nothing is no experiment',
  ])
})

test('two at once on one origin are allowed, and the later one says so', async () => {
  const first = await create()
  await ordered(node1, first)
  const second = await create()
  const { experiment } = await bus.request(experimentQueried, {}, { id: second })

  expect(experiment.reason).toContain(`node1 also sends for ${first}`)
  for (const id of [first, second]) await bus.request(experimentEnded, {}, { id, by: 'ann' })
})

test('the list is given in pages, the newest first', async () => {
  const ids: string[] = []
  for (const name of ['one', 'two', 'three']) {
    const asked = { plan: plan({ name }), by: 'ann', start: false }
    ids.push((await bus.request(experimentCreated, {}, asked)).experiment.id)
  }

  const page = await bus.request(experimentsListed, {}, { limit: 2 })
  const rest = await bus.request(
    experimentsListed,
    {},
    { limit: 200, ...(page.next !== null && { before: page.next }) },
  )

  expect(page.experiments.map(({ experiment }) => experiment.id)).toEqual([ids[2], ids[1]])
  expect(rest.experiments[0]?.experiment.id).toBe(ids[0])
  expect(rest.next).toBeNull()
})
