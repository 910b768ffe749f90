import {
  applyStreams,
  type ConsumeBatchesOptions,
  consumeBatches,
  type StreamHead,
} from '@corroport/bus'
import {
  analyticsDurables,
  type DurableDefinition,
  deadLettered,
  messageReceived,
} from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { openBus, publishRaw, received, silent, stored } from './harness.ts'

const durable: DurableDefinition = {
  name: 'analytics',
  stream: 'RECORDS',
  filters: [],
  answers: 'all',
  ackWaitMs: 60_000,
  maxAckPending: 50_000,
}

interface Read {
  incarnation: string
  sequence: number
  text: string
}

/** What a handler would keep in a database: its position lives as long as its rows. */
function createStore() {
  const rows: Read[] = []
  const batches: number[] = []
  return {
    rows,
    batches,
    sequences: () => rows.map(({ sequence }) => sequence),
    position: async ({ incarnation }: StreamHead) =>
      Math.max(
        0,
        ...rows.filter((row) => row.incarnation === incarnation).map((row) => row.sequence),
      ),
    handle: async (batch: readonly Read[]) => {
      batches.push(batch.length)
      rows.push(...batch)
    },
  }
}

function startReader(url: string, options: Partial<ConsumeBatchesOptions<Read>> = {}) {
  const stack = new AsyncDisposableStack()
  const store = createStore()
  const bus = stack.use(openBus(url))
  const reader = stack.use(
    consumeBatches({
      bus,
      log: silent,
      service: 'analytics',
      durable,
      position: store.position,
      read: ({ incarnation, sequence, data }) => ({
        incarnation,
        sequence,
        text: Buffer.from(data).toString(),
      }),
      handle: store.handle,
      ...options,
    }),
  )
  return {
    store,
    isBound: () => reader.isBound,
    problem: () => reader.problem,
    stop: () => reader[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function publish(url: string, ...names: string[]): Promise<void> {
  const nats = await connect({ servers: url })
  const subject = messageReceived.subject({ nodeId: 'node1' })
  await Promise.all(
    names.map((name) => jetstream(nats).publish(subject, JSON.stringify(received(name)))),
  )
  await nats.close()
}

const numbered = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
const names = (from: number, to: number): string[] => numbered(from, to).map((n) => `m${n}`)

async function ackFloor(url: string): Promise<number> {
  const nats = await connect({ servers: url })
  try {
    const manager = await jetstreamManager(nats)
    return (await manager.consumers.info('RECORDS', 'analytics')).ack_floor.stream_seq
  } finally {
    await nats.close()
  }
}

test('records come in the order of the stream, in batches, and are acknowledged', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 2500))

  await using reader = startReader(nats.url, { maxRecords: 1000, maxWaitMs: 500 })

  await until(() => reader.store.rows.length === 2500)
  expect(reader.store.sequences()).toEqual(numbered(1, 2500))
  expect(Math.max(...reader.store.batches)).toBe(1000)
  await until(async () => (await ackFloor(nats.url)) === 2500)
})

test('a batch that is not full does not wait for long', async () => {
  await using nats = await startNatsServer()
  await using reader = startReader(nats.url)

  await publish(nats.url, 'm1')

  await until(() => reader.store.rows.length === 1, 2000)
})

test('a handler that fails for a while sees the same records again, in order, none left out', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 300))
  const store = createStore()
  let failures = 0
  await using _reader = startReader(nats.url, {
    maxRecords: 100,
    position: store.position,
    handle: async (batch) => {
      if (batch.some(({ sequence }) => sequence === 150) && failures < 3) {
        failures += 1
        throw new Error('postgres is away')
      }
      await store.handle(batch)
    },
  })

  await publish(nats.url, ...names(301, 310))

  await until(() => store.rows.length === 310)
  expect(store.sequences()).toEqual(numbered(1, 310))
})

test('while its handler fails it is not bound, and says why', async () => {
  await using nats = await startNatsServer()
  const wasBound: boolean[] = []
  const store = createStore()
  await using reader = startReader(nats.url, {
    position: store.position,
    handle: async (batch) => {
      wasBound.push(reader.isBound())
      if (wasBound.length < 3) throw new Error('the disk is full')
      await store.handle(batch)
    },
  })
  await until(() => reader.isBound())

  await publish(nats.url, 'm1')

  await until(() => wasBound.length === 2)
  await until(() => reader.problem() === 'the disk is full')
  await until(() => reader.isBound())
  expect(wasBound).toEqual([true, false, false])
  expect(reader.problem()).toBeUndefined()
})

test('what a reader that died had in hand comes first, long before the server gives it again', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 50))
  {
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    await using dead = startReader(nats.url, {
      maxRecords: 50,
      handle: async () => {
        enter()
        throw new Error('killed')
      },
    })
    await entered
    await dead.stop()
  }

  await using reader = startReader(nats.url)
  await until(() => reader.store.rows.length === 50, 5000)
  await publish(nats.url, 'm51')

  await until(() => reader.store.rows.length === 51)
  expect(reader.store.sequences()).toEqual(numbered(1, 51))
  await until(async () => (await ackFloor(nats.url)) === 51)
})

test('a handler whose store was emptied gets again what the stream still holds', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 20))
  {
    await using before = startReader(nats.url)
    await until(() => before.store.rows.length === 20)
    await until(async () => (await ackFloor(nats.url)) === 20)
  }

  await using after = startReader(nats.url)

  await until(() => after.store.rows.length === 20)
  expect(after.store.sequences()).toEqual(numbered(1, 20))
})

test('a deleted record is stepped over', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 5))
  const connection = await connect({ servers: nats.url })
  const manager = await jetstreamManager(connection)
  await manager.streams.deleteMessage('RECORDS', 3)
  await connection.close()

  await using reader = startReader(nats.url)

  await until(() => reader.store.rows.length === 4)
  expect(reader.store.sequences()).toEqual([1, 2, 4, 5])
})

test('it goes on when nats was killed in the middle', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 500))
  await using reader = startReader(nats.url, { maxRecords: 50 })
  await until(() => reader.store.rows.length >= 50)

  await nats.kill()
  await nats.start()
  await publish(nats.url, ...names(501, 600))

  await until(() => reader.store.rows.length >= 600)
  expect(reader.store.sequences()).toEqual(numbered(1, 600))
})

test('a stream that was made anew is read from its beginning', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 10))
  await using reader = startReader(nats.url)
  await until(() => reader.store.rows.length === 10)

  await nats.kill()
  nats.wipe()
  await nats.start()
  await publish(nats.url, 'new1', 'new2')

  await until(() => reader.store.rows.length === 12)
  expect(reader.store.sequences().slice(10)).toEqual([1, 2])
  expect(new Set(reader.store.rows.map(({ incarnation }) => incarnation)).size).toBe(2)
})

test('a stream that is deleted and made again under a running reader is read too', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 10))
  await using reader = startReader(nats.url)
  await until(() => reader.store.rows.length === 10)
  const connection = await connect({ servers: nats.url })
  const manager = await jetstreamManager(connection)
  const { config } = await manager.streams.info('RECORDS')
  await manager.streams.delete('RECORDS')
  await manager.streams.add(config)
  await connection.close()
  await applyStreams({ url: nats.url, streams: [], durables: [...analyticsDurables] })

  await publish(nats.url, 'new1')

  await until(() => reader.store.rows.length === 11)
})

test('a stop waits for the batch in hand, and for no other', async () => {
  await using nats = await startNatsServer()
  await publish(nats.url, ...names(1, 30))
  const store = createStore()
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  await using reader = startReader(nats.url, {
    maxRecords: 10,
    position: store.position,
    handle: async (batch) => {
      enter()
      await released
      await store.handle(batch)
    },
  })
  await entered

  const stopped = reader.stop()
  release()
  await stopped

  expect(store.sequences()).toEqual(numbered(1, 10))
  await until(async () => (await ackFloor(nats.url)) === 10)
})

test('what a handler buries lies in DEAD, and the batch goes on', async () => {
  await using nats = await startNatsServer()
  await publishRaw(nats.url, 'corro.message.received.node1', 'no json')
  await using bus = openBus(nats.url)
  let handled = 0
  await using _reader = consumeBatches({
    bus,
    log: silent,
    service: 'analytics',
    durable,
    position: async () => handled,
    read: (record) => record,
    handle: async (batch, bury) => {
      for (const record of batch) await bury(record, 'is no JSON')
      handled = batch.at(-1)?.sequence ?? 0
    },
  })

  const [letter] = await until(async () => {
    const letters = await stored(nats.url, 'DEAD')
    return letters.length > 0 && letters
  })

  const dead = deadLettered.parse(letter?.json())
  expect(dead).toMatchObject({ service: 'analytics', stream: 'RECORDS', sequence: 1 })
  expect(Buffer.from(dead.payload, 'base64').toString()).toBe('no json')
})
