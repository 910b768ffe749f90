import {
  type Bus,
  type Connection,
  findStreamHead,
  onceConnected,
  type RecordPlace,
  type TailedRecord,
  tail,
} from '@corroport/bus'
import { type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeEach, expect, test } from '@jest/globals'
import { openBus } from './harness.ts'

let stack = new AsyncDisposableStack()
let nats: NatsServer
let bus: Bus
let connection: Connection

beforeEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
  nats = stack.use(await startNatsServer())
  bus = stack.use(openBus(nats.url))
  connection = await onceConnected(bus, async (open) => open)
})
afterAll(() => stack.disposeAsync())

async function store(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await connection.jetstream.publish('corro.change.observed.node1', String(index))
  }
}

/** Reads the stream of changes behind a sequence. */
async function startTail(sequence: number, onRecord?: () => Promise<void>) {
  const stopping = new AbortController()
  const { incarnation } = await findStreamHead(bus, 'CHANGES', 2000)
  const records: TailedRecord[] = []
  const ends: RecordPlace[] = []
  const reading = tail({
    connection,
    from: { CHANGES: { incarnation, sequence } },
    signal: stopping.signal,
    onRecord: (record) => {
      records.push(record)
      return onRecord?.()
    },
    onEnd: (end) => void ends.push(end),
  })
  const outcome = reading.then(
    () => 'stopped',
    (error: unknown) => String(error),
  )
  return { records, ends, incarnation, outcome, stop: () => stopping.abort() }
}

test('records come in order, one at a time, with the time of their storing', async () => {
  const before = Date.now()
  await store(3)
  const { promise: isTaken, resolve: take } = Promise.withResolvers<void>()
  const { records, outcome, stop } = await startTail(1, () => isTaken)

  await until(() => records.length === 1)
  take()
  await until(() => records.length === 2)
  stop()

  expect(await outcome).toBe('stopped')
  expect(records.map(({ sequence, text }) => [sequence, text])).toEqual([
    [2, '1'],
    [3, '2'],
  ])
  for (const { storedAt } of records) {
    expect(storedAt).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)
    expect(Math.abs(Date.parse(storedAt) - before)).toBeLessThan(10_000)
  }
})

test.each([0, 3])(
  'where the last records were deleted, the end is said from %i on',
  async (from) => {
    await store(5)
    const manager = await connection.jetstream.jetstreamManager()
    await manager.streams.deleteMessage('CHANGES', 4)
    await manager.streams.deleteMessage('CHANGES', 5)
    const { records, ends, incarnation, stop } = await startTail(from)

    await until(() => ends.length === 1)
    stop()

    expect(records).toHaveLength(3 - from)
    expect(ends).toEqual([{ stream: 'CHANGES', incarnation, sequence: 5 }])
  },
)

test('what was deleted in between is no loss, what was discarded is', async () => {
  await store(5)
  const manager = await connection.jetstream.jetstreamManager()
  await manager.streams.deleteMessage('CHANGES', 3)
  const first = await startTail(0)
  await until(() => first.records.length === 4)
  first.stop()
  await manager.streams.purge('CHANGES', { seq: 3 })

  const second = await startTail(0)

  expect(await first.outcome).toBe('stopped')
  expect(await second.outcome).toBe('Error: records of CHANGES were discarded')
})

test('a stream that is made anew ends it', async () => {
  await store(2)
  const { outcome, records } = await startTail(0)
  await until(() => records.length === 2)
  const manager = await connection.jetstream.jetstreamManager()
  const { config } = await manager.streams.info('CHANGES')

  await manager.streams.delete('CHANGES')
  await manager.streams.add(config)

  expect(await outcome).toMatch(/CHANGES|stream not found|consumer deleted/i)
}, 20_000)
