import { seededRandom } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  CorrosionBusyError,
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionResponseError,
  createCorrosionClient,
  StreamLostError,
} from '../src/index.ts'
import {
  agents,
  type RecordedAgent,
  type RecordedExchange,
  type RecordedStep,
  type Replay,
  recording,
  startReplay,
} from './replay.ts'

const seed = Date.now()
const random = seededRandom(seed)
let replay: Replay
let client: CorrosionClient

beforeAll(async () => {
  console.info(`seed ${seed}`)
  replay = await startReplay(random)
  client = createCorrosionClient({ url: replay.url })
})

afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await replay[Symbol.asyncDispose]()
})

interface RecordedTransaction {
  version: number | null
  actor_id: string
  results: { rows_affected: number; time: number }[]
}

interface RecordedLine {
  columns?: string[]
  row?: [number, unknown[]]
  change?: [string, number, unknown[], number]
  eoq?: { change_id: number }
  notify?: [string, unknown[]]
}

interface ErrorBody {
  error?: string
  results?: { error: string }[]
}

/** What the agent said, without the wrapping of either agent. */
function messageOf(body: string): string {
  if (!/^["{]/.test(body)) return body
  const value: ErrorBody | string = JSON.parse(body)
  if (typeof value === 'string') return value.replace('Error: ', '')
  return value.error ?? value.results?.[0]?.error ?? 'no message'
}

const body = ({ response }: RecordedExchange) => response.body ?? (response.lines ?? []).join('\n')

const bareHealth = (agent: RecordedAgent) =>
  recording<RecordedExchange>(agent, 'http').find(({ name }) => name === 'health: bare')
    ?.response ?? { status: 500, headers: {} }

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it did not fail but gave ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
}

const ask = (path: string): Promise<unknown> => {
  if (path.startsWith('/v1/transactions')) return client.transact(['SELECT 1'])
  if (path.startsWith('/v1/subscriptions')) return client.subscribe('SELECT 1')
  if (path.startsWith('/v1/updates')) return client.updates('nope')
  if (path.startsWith('/v1/table_stats')) return client.tableStats(['node_messages', 'nope'])
  if (path.startsWith('/v1/health')) return client.health({ gaps: 1 })
  return client.query('SELECT 1')
}

describe.each(agents)('answers of %s', (agent) => {
  const exchanges = recording<RecordedExchange>(agent, 'http')
  const of = (select: (exchange: RecordedExchange) => boolean) =>
    exchanges.filter(select).map((exchange) => [exchange.name, exchange] as const)

  test.each(
    of(({ request, response }) => response.status !== 200 && !request.path.includes('health')),
  )('"%s" is a typed error with status and message', async (_name, exchange) => {
    replay.answer(exchange.response)

    const error = await caught(ask(exchange.request.path))

    expect(error).toBeInstanceOf(CorrosionResponseError)
    expect(error).toMatchObject({
      status: exchange.response.status,
      agentMessage: messageOf(body(exchange)),
    })
  })

  test.each(
    of(
      (exchange) =>
        exchange.request.path.startsWith('/v1/queries') &&
        exchange.response.status === 200 &&
        !body(exchange).includes('"error"'),
    ),
  )('"%s" is a result', async (_name, exchange) => {
    replay.answer(exchange.response)

    const { columns, rows } = await client.query('SELECT 1')

    const lines = body(exchange).trim().split('\n')
    expect({ columns }).toEqual(JSON.parse(lines[0] ?? ''))
    expect(rows).toHaveLength(lines.length - 2)
  })

  test.each(of((exchange) => /^\{"columns".*\n(.*\n)?\{"error"/.test(body(exchange))))(
    '"%s" fails although its status is 200',
    async (_name, exchange) => {
      replay.answer(exchange.response)

      const error = await caught(client.query('SELECT 1'))

      expect(error).toBeInstanceOf(CorrosionResponseError)
      expect(error).toMatchObject({ status: 200 })
    },
  )

  test('cells keep their types and integers their digits', async () => {
    const types = exchanges.find(({ name }) => name === 'query: types')
    if (types === undefined) throw new Error('the recording lacks it')
    replay.answer(types.response)

    const { rows } = await client.query('SELECT 1')

    expect(rows).toEqual([
      [
        null,
        1,
        9007199254740993n,
        -9223372036854775808n,
        1,
        1e16,
        8e-8,
        'te"xt',
        Uint8Array.of(222, 173),
        1,
      ],
    ])
  })

  test.each(
    of(({ request, response }) => request.path === '/v1/transactions' && response.status === 200),
  )('"%s" is a committed transaction', async (_name, exchange) => {
    replay.answer(exchange.response)

    const { actorId, version, results } = await client.transact(['UPDATE t SET a = 1'])

    const recorded: RecordedTransaction = JSON.parse(body(exchange))
    expect({ actorId, version }).toEqual({ actorId: recorded.actor_id, version: recorded.version })
    expect(results).toEqual(
      recorded.results.map(({ rows_affected, time }) => ({
        rowsAffected: rows_affected,
        timeSeconds: time,
      })),
    )
  })

  test('table stats are the sum and the tables that do not exist', async () => {
    const stats = exchanges.find(({ name }) => name === 'table_stats')
    if (stats === undefined) throw new Error('the recording lacks it')
    replay.answer(stats.response)

    expect(await client.tableStats(['node_messages', 'nope'])).toEqual({
      totalRowCount: 1,
      invalidTables: ['nope'],
    })
  })

  test('a subscription that answers 200 and then fails is lost with the reason', async () => {
    const union = exchanges.find(({ name }) => name === 'subscription error: union')
    if (union === undefined) throw new Error('the recording lacks it')
    replay.answer(union.response)

    const { events, hash } = await client.subscribe('SELECT 1')
    const error = await caught(Array.fromAsync(events))

    expect(hash).toBe('ae869faf1509b3c0')
    expect(error).toBeInstanceOf(StreamLostError)
    expect(error).toMatchObject({
      agentMessage:
        'SELECTs to the left and right of UNION do not have the same number of result columns',
    })
  })

  const steps = recording<RecordedStep>(agent, 'streams')

  test.each(steps.flatMap(({ step, lines }) => (lines?.length ? [[step, lines] as const] : [])))(
    'the stream of "%s" is read as it was written, and its end is a loss',
    async (_step, lines) => {
      replay.answer({ status: 200, headers: { 'corro-query-id': 'x' }, lines })
      const events: unknown[] = []

      const subscription = await client.subscribe('SELECT 1')
      const read = async () => {
        for await (const event of subscription.events) events.push(event)
      }

      expect(await caught(read())).toBeInstanceOf(StreamLostError)
      expect(events).toEqual(lines.map(expectedEvent))
    },
  )

  test.each(
    steps.flatMap(({ step, received }) => (received?.length ? [[step, received] as const] : [])),
  )('the keys of "%s" are read', async (_step, received) => {
    replay.answer({ status: 200, headers: {}, lines: received.map(({ line }) => line) })
    const events: unknown[] = []

    const updates = await client.updates('node_messages')
    const read = async () => {
      for await (const event of updates.events) events.push(event)
    }

    expect(await caught(read())).toBeInstanceOf(StreamLostError)
    expect(events).toEqual(
      received.map(({ line }) => {
        const { notify }: RecordedLine = JSON.parse(line)
        return { kind: notify?.[0], key: notify?.[1] }
      }),
    )
  })
})

test('health is unsupported on klukai and unknown on a quiet v1.0.0', async () => {
  replay.answer(bareHealth('klukai-0.1.4'))
  expect(await client.health()).toEqual({ supported: false, figures: null })

  replay.answer(bareHealth('v1.0.0'))
  expect(await client.health()).toEqual({ supported: true, isHealthy: false, figures: null })
})

test('health figures are told whether they are within the thresholds or not', async () => {
  const text = '{"response":{"gaps":1,"members":2,"p99_lag":0.005,"queue_size":0}}'
  const figures = { gaps: 1, members: 2, p99LagSeconds: 0.005, queueSize: 0 }

  replay.answer({ status: 503, headers: {}, body: text })
  expect(await client.health({ gaps: 0, p99LagSeconds: 5 })).toEqual({
    supported: true,
    isHealthy: false,
    figures,
  })
  expect(replay.asked().path).toBe('/v1/health?gaps=0&p99_lag=5')
})

test.each(['query', 'transact', 'health'] as const)('%s tells a shed request', async (method) => {
  replay.answer({ status: 503, headers: {}, body: 'max concurrency limit reached' })

  const error = await caught(
    method === 'query'
      ? client.query('SELECT 1')
      : method === 'transact'
        ? client.transact(['DELETE FROM t'])
        : client.health(),
  )

  expect(error).toBeInstanceOf(CorrosionBusyError)
})

test('an answer that ends without end-of-query is no result', async () => {
  replay.answer({ status: 200, headers: {}, lines: ['{"columns":["a"]}', '{"row":[1,[1]]}'] })

  expect(await caught(client.query('SELECT 1'))).toBeInstanceOf(CorrosionConnectionError)
})

test('parameters are sent as the agent reads them, and a timeout of 0 never is', async () => {
  replay.answer({
    status: 200,
    headers: {},
    body: '{"results":[],"time":0.0,"version":9007199254740993,"actor_id":"a"}',
  })

  const { version } = await client.transact(
    [
      ['INSERT INTO t VALUES (?, ?, ?)', [true, 9007199254740993n, Uint8Array.of(1, 255)]],
      ['DELETE FROM t WHERE a = :a', { ':a': null }],
      'DELETE FROM u',
    ],
    { timeoutMs: 900 },
  )

  expect(version).toBe(9007199254740993n)
  expect(replay.asked()).toEqual({
    method: 'POST',
    path: '/v1/transactions?timeout=1',
    body: '[["INSERT INTO t VALUES (?, ?, ?)",[true,9007199254740993,[1,255]]],["DELETE FROM t WHERE a = :a",{":a":null}],"DELETE FROM u"]',
  })
})

function expectedEvent(line: string): unknown {
  const { columns, row, change, eoq }: RecordedLine = JSON.parse(line)
  if (columns !== undefined) return { kind: 'columns', columns }
  if (row !== undefined) return { kind: 'row', rowId: row[0], cells: row[1] }
  if (eoq !== undefined) return { kind: 'end-of-query', changeId: eoq.change_id }
  return {
    kind: 'change',
    change: change?.[0],
    rowId: change?.[1],
    cells: change?.[2],
    changeId: change?.[3],
  }
}
