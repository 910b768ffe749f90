import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type CorrosionAgent, startCorrosionAgent } from '../../testing/src/corrosion-agent.ts'
import {
  AdminError,
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionResponseError,
  createCorrosionClient,
  openAdmin,
  type SqliteValue,
  StatementRefusedError,
  StreamLostError,
} from '../src/index.ts'

const valuesTable = `CREATE TABLE value_kind (
  id INTEGER NOT NULL PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB)`

let agent: CorrosionAgent
let client: CorrosionClient

beforeAll(async () => {
  agent = await startCorrosionAgent({ schemas: [valuesTable] })
  client = createCorrosionClient({ url: agent.url })
}, 30_000)

afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await agent[Symbol.asyncDispose]()
})

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )

test.each<[number, Record<'i' | 'r' | 't' | 'b', SqliteValue>]>([
  [1, { i: 9223372036854775807n, r: 1.5, t: 'a\0b 🙂 "\'\n漢', b: Uint8Array.of(0, 255) }],
  [2, { i: -9223372036854775808n, r: 8e-8, t: '', b: new Uint8Array() }],
  [3, { i: 9007199254740993n, r: 1e300, t: '9007199254740993', b: null }],
  [4, { i: null, r: null, t: null, b: null }],
])('row %i comes back as it was written', async (id, { i, r, t, b }) => {
  await client.transact([['INSERT INTO value_kind VALUES (?, ?, ?, ?, ?)', [id, i, r, t, b]]])

  const { columns, rows } = await client.query(['SELECT * FROM value_kind WHERE id = ?', [id]])

  expect(columns).toEqual(['id', 'i', 'r', 't', 'b'])
  expect(rows).toEqual([[id, i, r, t, b]])
})

test('a boolean is bound as 1 or 0, and named parameters keep their prefix', async () => {
  const { rows } = await client.query(['SELECT :yes, @no', { ':yes': true, '@no': false }])

  expect(rows).toEqual([[1, 0]])
})

test('foreign SQL never reaches the agent', async () => {
  const hostile = [
    'BEGIN',
    '/* SELECT */ BEGIN IMMEDIATE',
    "ATTACH '/tmp/other.db' AS other",
    'PRAGMA query_only = 0',
    'SELECT 1; BEGIN',
    'EXPLAIN PRAGMA query_only = 0',
    "WITH a AS (SELECT 'x') INSERT INTO node_messages (pk) SELECT * FROM a",
  ]
  // Each of the agent's pooled connections would keep what gets through.
  const refusals = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      caught(client.query(hostile[index % hostile.length] ?? '')),
    ),
  )
  expect(refusals.every((error) => error instanceof StatementRefusedError)).toBe(true)

  await client.transact([['INSERT INTO node_messages (pk) VALUES (?)', ['after']]])
  const reads = await Promise.all(
    Array.from({ length: 40 }, () =>
      client.query(
        "SELECT (SELECT count(*) FROM pragma_database_list), pk FROM node_messages WHERE pk = 'after'",
      ),
    ),
  )
  expect(reads.map(({ rows }) => rows)).toEqual(reads.map(() => [[1, 'after']]))
})

test('a failing statement rolls its transaction back and says why', async () => {
  const error = await caught(
    client.transact([
      ['INSERT INTO node_messages (pk) VALUES (?)', ['rolled-back']],
      ['INSERT INTO node_messages (pk, message) VALUES (?, ?)', ['x', null]],
    ]),
  )

  expect(error).toMatchObject({
    status: 500,
    agentMessage: expect.stringContaining('NOT NULL constraint failed: node_messages.message'),
  })
  const { rows } = await client.query("SELECT pk FROM node_messages WHERE pk = 'rolled-back'")
  expect(rows).toEqual([])
})

test('a transaction tells the actor and its version, and none when nothing changed', async () => {
  const actorId = await client.actorId()
  const first = await client.transact([['INSERT INTO node_messages (pk) VALUES (?)', ['v1']]])
  const second = await client.transact([['INSERT INTO node_messages (pk) VALUES (?)', ['v2']]])
  const nothing = await client.transact(["UPDATE node_messages SET message = '' WHERE pk = 'v1'"])

  expect(first).toMatchObject({ actorId, results: [{ rowsAffected: 1 }] })
  expect(second.version).toBe(Number(first.version) + 1)
  expect(nothing.version).toBeNull()
})

test('the agent tells what it is', async () => {
  expect(await client.kind()).toBe(agent.kind)
})

test('versions that the agent knows of and does not hold are counted', async () => {
  expect(await client.missingVersions()).toBe(0)

  await client.transact([
    "INSERT INTO __corro_bookkeeping_gaps VALUES (x'00112233445566778899aabbccddeeff', 3, 5)",
    "INSERT INTO __corro_bookkeeping_gaps VALUES (x'00112233445566778899aabbccddeeff', 9, 9)",
  ])

  expect(await client.missingVersions()).toBe(4)
})

test('maxRows stops an endless result', async () => {
  const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c'

  expect(await client.query(endless, { maxRows: 3 })).toEqual({
    columns: ['x'],
    rows: [[1], [2], [3]],
    wasTruncated: true,
  })
})

test('a query that takes too long ends at its deadline', async () => {
  const slow =
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c'

  const error = await caught(client.query(slow, { timeoutMs: 200 }))

  expect(error).toBeInstanceOf(CorrosionConnectionError)
  expect(String(error)).toContain('no answer in 200 ms')
})

test('an abort rejects with its own reason', async () => {
  const reason = new Error('no longer wanted')

  expect(await caught(client.query('SELECT 1', { signal: AbortSignal.abort(reason) }))).toBe(reason)
})

test('two hundred queries at once are all answered', async () => {
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) => client.query(['SELECT ?', [index]])),
  )

  expect(results.map(({ rows }) => rows[0]?.[0])).toEqual(results.map((_, index) => index))
})

test('a closed agent is known not to have got the request', async () => {
  await using nobody = createCorrosionClient({ url: 'http://127.0.0.1:1' })

  expect(await caught(nobody.transact(['DELETE FROM node_messages']))).toMatchObject({
    name: 'CorrosionConnectionError',
    outcome: 'not-sent',
  })
})

test('the outcome of a transaction that a hung agent does not answer is unknown', async () => {
  await agent.kill('SIGSTOP')
  const error = await caught(
    client.transact([['INSERT INTO node_messages (pk) VALUES (?)', ['hung']]], { timeoutMs: 300 }),
  )
  await agent.kill('SIGCONT')

  expect(error).toMatchObject({ name: 'CorrosionConnectionError', outcome: 'unknown' })
})

test('a token is asked for and sent', async () => {
  await using guarded = await startCorrosionAgent({ bearerToken: 'secret' })
  await using stranger = createCorrosionClient({ url: guarded.url })
  await using friend = createCorrosionClient({ url: guarded.url, bearerToken: 'secret' })

  expect(await caught(stranger.query('SELECT 1'))).toMatchObject({ status: 401 })
  expect((await friend.query('SELECT 1')).rows).toEqual([[1]])
}, 30_000)

test('a subscription can be joined again where it was left', async () => {
  const sql = 'SELECT id, t FROM value_kind'
  const left = new AbortController()
  const first = await client.subscribe(sql, { signal: left.signal })
  let changeId = 0
  for await (const event of first.events) {
    if (event.kind === 'end-of-query') {
      await client.transact([['INSERT INTO value_kind (id, t) VALUES (?, ?)', [100, 'one']]])
    }
    if (event.kind === 'change') {
      changeId = event.changeId
      break
    }
  }
  await client.transact([['UPDATE value_kind SET t = ? WHERE id = ?', ['two', 100]]])

  const again = await client.subscribe(sql, { id: first.id, from: changeId })
  for await (const event of again.events) {
    expect(event).toMatchObject({
      kind: 'change',
      change: 'update',
      cells: [100, 'two'],
      changeId: changeId + 1,
    })
    break
  }
  expect(again.hash).toBe(first.hash)
})

test('a refused subscription and a refused updates feed say why', async () => {
  expect(await caught(client.subscribe('SELECT a FROM nope'))).toMatchObject({
    name: 'CorrosionResponseError',
    agentMessage: 'no such table: nope',
  })
  expect(await caught(client.updates('nope'))).toBeInstanceOf(CorrosionResponseError)
})

test('disposing a client ends its streams', async () => {
  const short = createCorrosionClient({ url: agent.url })
  const { events } = await short.updates('node_messages')
  const next = caught(events[Symbol.asyncIterator]().next())

  await short[Symbol.asyncDispose]()

  expect(await next).toBeInstanceOf(StreamLostError)
})

test('the admin socket answers', async () => {
  const admin = openAdmin(agent.adminPath)

  await admin.ping()
  expect(await admin.members()).toEqual([])
  expect((await admin.syncState()).actorId).toBe(await client.actorId())
  const [subscription] = await admin.subscriptions()
  expect(await admin.subscriptionInfo(subscription?.id ?? '')).toMatchObject({
    hash: subscription?.hash,
  })
  expect(await caught(admin.request({ Nope: 1 }))).toBeInstanceOf(AdminError)
})

test('an admin socket that is not there or hangs is told apart', async () => {
  expect(await caught(openAdmin('/tmp/corro-none.sock').ping())).toMatchObject({
    outcome: 'not-sent',
  })
  await agent.kill('SIGSTOP')
  const error = await caught(openAdmin(agent.adminPath, { timeoutMs: 200 }).ping())
  await agent.kill('SIGCONT')
  expect(error).toMatchObject({ outcome: 'unknown' })
})
