import { type Bus, readOne, readPast } from '@corroport/bus'
import { type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { openBus } from './harness.ts'

const stack = new AsyncDisposableStack()
let nats: NatsServer
let bus: Bus
const times = { before: new Date(), between: new Date(), after: new Date() }

// Of RECORDS the first 3000 are half acknowledgements, the last 3000 none; LIFECYCLE has audits
// far back among many others.
beforeAll(async () => {
  nats = stack.use(await startNatsServer())
  bus = stack.use(openBus(nats.url))
  await until(() => bus.isConnected)
  await fill(3000, (index) =>
    index % 2 === 0 ? 'corro.ack.received.node1' : 'corro.message.sent.node2',
  )
  await fill(2000, (index) =>
    index < 500 && index % 5 === 0 ? 'corro.cluster.changed.node1' : 'corro.member.changed.node1',
  )
  times.between = new Date()
  await fill(3000, () => 'corro.message.sent.node1')
  times.after = new Date(Date.now() + 1)
}, 30_000)
afterAll(() => stack.disposeAsync())

async function fill(count: number, subjectOf: (index: number) => string): Promise<void> {
  const connection = await connect({ servers: nats.url })
  const stream = jetstream(connection)
  for (let start = 0; start < count; start += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, count - start) }, (_, index) =>
        stream.publish(subjectOf(start + index), JSON.stringify({ number: start + index })),
      ),
    )
  }
  // The next part is stored at a later time, by more than the precision of a Date.
  await connection.close()
  const stoppedAt = Date.now()
  await until(() => Date.now() > stoppedAt + 1)
}

const ask = (question: Partial<Parameters<typeof readPast>[1]>) =>
  readPast(bus, { filters: ['corro.>'], limit: 10, timeoutMs: 3000, ...question })

async function sequencesOf(question: Parameters<typeof ask>[0]): Promise<number[]> {
  return (await ask(question)).records.map(({ sequence }) => sequence)
}

test('the newest records of a filter come newest first, however far back they lie', async () => {
  const { records, isCut } = await ask({ filters: ['corro.cluster.>'], limit: 3 })

  expect(isCut).toBe(true)
  expect(records.map(({ sequence }) => sequence)).toEqual([496, 491, 486])
  expect(records[0]).toMatchObject({ stream: 'LIFECYCLE', subject: 'corro.cluster.changed.node1' })
  expect(new TextDecoder().decode(records[0]?.data)).toBe('{"number":495}')
})

test('all records of a filter come, and none is told to be missing', async () => {
  const { records, isCut } = await ask({ filters: ['corro.cluster.*.node1'], limit: 5000 })

  expect({ count: records.length, isCut }).toEqual({ count: 100, isCut: false })
})

test('as many as are wanted come of half of a stream', async () => {
  const sequences = await sequencesOf({ filters: ['corro.ack.>'], limit: 700 })

  expect(sequences).toEqual(Array.from({ length: 700 }, (_, index) => 2999 - 2 * index))
})

test('the end of a range is left out, its beginning is not', async () => {
  const range = { filters: ['corro.message.>'], limit: 5000 }

  const first = await ask({ ...range, until: times.between })
  const second = await ask({ ...range, since: times.between })
  const nothing = await ask({ ...range, since: times.after })

  expect(first.records.length).toBe(1500)
  expect(second.records.length).toBe(3000)
  expect(nothing).toEqual({ records: [], isCut: false })
})

test('what lies before a sequence can be read page by page', async () => {
  const filters = ['corro.cluster.>']
  const pages: number[] = []
  let before: number | undefined
  for (let page = 0; page < 4; page += 1) {
    const sequences = await sequencesOf({ filters, limit: 30, before })
    pages.push(...sequences)
    before = sequences.at(-1)
  }

  expect(pages).toEqual(Array.from({ length: 100 }, (_, index) => 496 - 5 * index))
})

test('records of all streams are put together by their time', async () => {
  const { records } = await ask({ until: times.between, limit: 2001 })

  expect(records[0]?.stream).toBe('LIFECYCLE')
  expect(records.at(-1)?.stream).toBe('RECORDS')
})

test.each([[['corro.hint.>']], [['elsewhere.>']], [['corro.dead.>']], [['corro.ack.*.nobody']]])(
  'of %j there is nothing',
  async (filters) => {
    expect(await ask({ filters })).toEqual({ records: [], isCut: false })
  },
)

test('no consumer of a question is left behind', async () => {
  await ask({})

  const connection = await connect({ servers: nats.url })
  const manager = await jetstream(connection).jetstreamManager()
  const names: string[] = []
  for await (const consumer of manager.consumers.list('RECORDS')) names.push(consumer.name)
  await connection.close()
  expect(names).toEqual(['analytics'])
})

test('one record is found by its sequence', async () => {
  expect(await readOne(bus, 'RECORDS', 1, 2000)).toMatchObject({
    sequence: 1,
    subject: 'corro.ack.received.node1',
  })
  expect(await readOne(bus, 'RECORDS', 100_000, 2000)).toBeNull()
})

test('without nats a question fails at once', async () => {
  await using lost = openBus('nats://127.0.0.1:1')

  await expect(readPast(lost, { filters: ['corro.>'], limit: 1, timeoutMs: 3000 })).rejects.toThrow(
    'nats is not connected',
  )
})
