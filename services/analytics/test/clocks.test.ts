import { join } from 'node:path'
import { type Bus, CommandError, connectBus, openStateFile, readStream } from '@corroport/bus'
import {
  type ClockSampled,
  type ClockState,
  clockProbed,
  clockSampled,
  clocksQueried,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { createMetrics } from '@corroport/service'
import { createTemporaryFolder, type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import pino from 'pino'
import { startClocks } from '../src/clocks/start-clocks.ts'
import { startIngest } from '../src/ingest/start-ingest.ts'
import { quiet, startDatabase } from './harness.ts'

const resources = new AsyncDisposableStack()
let database: Awaited<ReturnType<typeof startDatabase>>
let nats: NatsServer
beforeAll(async () => {
  database = resources.use(await startDatabase())
  nats = resources.use(await startNatsServer())
}, 30_000)
afterAll(() => resources.disposeAsync())

let own: AsyncDisposableStack
let bus: Bus
let lines: Record<string, unknown>[]
let begin: (intervalMs?: number) => Clocks
let nodeIds: Set<string>
beforeEach(async () => {
  own = new AsyncDisposableStack()
  lines = []
  const folder = own.use(createTemporaryFolder())
  bus = own.use(connectBus({ url: nats.url, name: 'test', log: quiet }))
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) })
  const path = join(folder.path, 'state.sqlite')
  const state = own.use(openStateFile({ path, migrations: [], bus, log: quiet }))
  nodeIds = new Set()
  const roster = { nodeIds: () => [...nodeIds] }
  const metrics = createMetrics()
  const deps = { db: database.db, bus, state, roster, log, metrics }
  begin = (intervalMs = 50) => Object.assign(startClocks({ ...deps, intervalMs }), { metrics })
  await until(() => bus.isConnected)
})
afterEach(() => own.disposeAsync())

test('a clock is compared again and again, told and shown', async () => {
  await using _node = startNode('node1', () => 5000)
  await using clocks = begin()

  const clock = await shown('node1', ({ state }) => state === 'ok')

  expect(Math.abs((clock.offset_ms ?? 0) - 5000)).toBeLessThanOrEqual(clock.bound_ms ?? 0)
  expect(clock.bound_ms).toBeGreaterThanOrEqual((clock.round_trip_ms ?? 0) / 2)
  expect(clock.error).toBeNull()
  expect((await told('node1'))[0]).toMatchObject({ probes: 8 })
  const text = await clocks.metrics.metrics()
  expect(text).toMatch(/corro_clock_offset_seconds\{node="node1"[^}]*\} (5\.|4\.9)/)
  expect(text).toMatch(/corro_clock_alarm\{node="node1"[^}]*\} 0/)
})

test('whoever needs to know the clocks now does not wait for the next round', async () => {
  await using _ingest = startIngest({ db: database.db, bus, log: quiet, metrics: createMetrics() })
  await using _node = startNode('node1', () => 0)
  await using clocks = begin(600_000)
  const samples = (since: number) =>
    database.db
      .selectFrom('clock_sample')
      .select('node_id')
      .where('at', '>=', toTimestamp(since))
      .execute()
  // The first round may have come before the node.
  await until(async () => {
    await clocks.compareNow()
    return (await samples(0)).length > 0
  })
  const since = nowMicroseconds()

  await clocks.compareNow()

  expect(await samples(since)).toEqual([{ node_id: 'node1' }])
})

test('clocks too far apart are an alarm at both, which is logged once and ends', async () => {
  let offsetMs = -400
  await using _first = startNode('node1', () => 0)
  await using _second = startNode('node2', () => offsetMs)
  await using _third = startNode('node3', () => -200)
  await using _clocks = begin()

  await shown('node1', ({ state }) => state === 'alarm')
  await shown('node2', ({ state }) => state === 'alarm')
  await shown('node3', ({ state }) => state === 'ok')
  offsetMs = 0
  await shown('node2', ({ state }) => state === 'ok')
  await until(() => said('clock near enough again').length === 2)

  expect(said('clock too far from another').map(({ nodeId }) => nodeId)).toEqual(['node1', 'node2'])
  expect(said('clock was set')).toMatchObject([{ nodeId: 'node2' }])
})

test('a clock that is an hour off is named, by how much, with what to do', async () => {
  await using _first = startNode('node1', () => 0)
  await using _second = startNode('node2', () => 3_600_000)
  await using _clocks = begin()

  await shown('node2', ({ state }) => state === 'alarm')

  const [line] = said('clock too far from another').filter(({ nodeId }) => nodeId === 'node2')
  expect(line).toMatchObject({ otherNodeId: 'node1', advice: expect.stringContaining('chrony') })
  expect(Number(line?.apartMs)).toBeGreaterThan(3_599_000)
})

test('a node that does not answer any more is unknown with the reason, and its figures go', async () => {
  const node = startNode('node1', () => 0)
  await using clocks = begin()
  const before = await shown('node1', ({ state }) => state === 'ok')
  const saidBefore = said('clock not known').length

  await node[Symbol.asyncDispose]()

  const after = await shown('node1', ({ state }) => state === 'unknown')
  expect(after.error).toContain('nobody answers')
  expect(after.at && before.at && after.at >= before.at).toBe(true)
  await until(async () => !(await clocks.metrics.metrics()).includes('node="node1"'))
  expect(said('clock not known')).toHaveLength(saidBefore + 1)
})

test('a node that left is not shown any more, and a second leadership begins anew', async () => {
  await using _node = startNode('node1', () => 0)
  const first = begin()
  await shown('node1', ({ state }) => state === 'ok')
  nodeIds.delete('node1')
  expect((await ask({})).clocks).toEqual([])
  await first[Symbol.asyncDispose]()

  await using _second = begin()
  nodeIds.add('node1')
  await shown('node1', ({ state }) => state === 'ok')
})

test('the history is of the asked hours, the surest samples where there are too many', async () => {
  await using _clocks = begin()
  await answering()
  await sql`
    INSERT INTO clock_sample
    SELECT 'node9', -212.5, 181 + n % 2, 362, 8, NULL, now() - n * interval '1 second'
    FROM generate_series(1, 7000) AS n
  `.execute(database.db)

  const { history } = await ask({ nodeId: 'node9', sinceHours: 2 })
  const { history: recent } = await ask({ nodeId: 'node9', sinceHours: 0.01 })

  expect(history.length).toBeGreaterThan(1900)
  expect(history.length).toBeLessThanOrEqual(2000)
  // The first and the last slot are cut.
  expect(new Set(history.slice(1, -1).map(({ boundMs }) => boundMs))).toEqual(new Set([0.181]))
  expect(history.map(({ at }) => at)).toEqual(history.map(({ at }) => at).toSorted())
  expect(history[0]).toMatchObject({ nodeId: 'node9', offsetMs: -0.2125, driftPpm: null })
  expect(recent.length).toBeGreaterThan(30)
  expect(recent.length).toBeLessThanOrEqual(36)
})

test('a node that nobody knows is refused', async () => {
  await using _clocks = begin()
  await answering()

  const failure = await ask({ nodeId: 'node404' }).catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(CommandError)
  expect(failure).toMatchObject({ refusal: { code: 'not-found' } })
})

type Clocks = ReturnType<typeof startClocks> & {
  metrics: ReturnType<typeof createMetrics>
}

function startNode(nodeId: string, offsetMs: () => number): AsyncDisposable {
  const now = () => toTimestamp(nowMicroseconds() + offsetMs() * 1000)
  nodeIds.add(nodeId)
  return bus.respond(clockProbed, { nodeId }, () => ({ heardAt: now(), answeredAt: now() }))
}

function ask(request: { nodeId?: string; sinceHours?: number }) {
  return bus.request(clocksQueried, {}, request)
}

async function answering(): Promise<void> {
  await until(() => ask({}).catch(() => undefined)) // not subscribed yet
}

/** The clock of a node, once it is as wanted. */
async function shown(
  nodeId: string,
  isWanted: (clock: ClockState) => boolean,
): Promise<ClockState> {
  return await until(async () => {
    const { clocks } = await ask({}).catch(() => ({ clocks: [] })) // nobody answers yet
    return clocks.find((clock) => clock.node_id === nodeId && isWanted(clock))
  })
}

async function told(nodeId: string): Promise<ClockSampled[]> {
  return await until(async () => {
    const records = await readStream(bus, 'SAMPLES')
    const samples = records
      .map(({ text }) => clockSampled.parse(JSON.parse(text)))
      .filter((sample) => sample.nodeId === nodeId)
    return samples.length > 0 && samples
  })
}

function said(message: string): Record<string, unknown>[] {
  return lines.filter(({ msg }) => msg === message)
}
