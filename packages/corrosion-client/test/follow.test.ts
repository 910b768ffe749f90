import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type CorrosionAgent, startCorrosionAgent } from '../../testing/src/corrosion-agent.ts'
import {
  type CorrosionClient,
  CorrosionConnectionError,
  createCorrosionClient,
  createMemoryShadow,
  type FollowEvent,
  readRows,
  readTableSchema,
  subscriptionSql,
} from '../src/index.ts'
import { type Follower, startFollower } from './follower.ts'
import { startSilencer } from './silencer.ts'

jest.setTimeout(90_000)

const pairTable = `CREATE TABLE pair (
  a TEXT NOT NULL, b INTEGER NOT NULL, v TEXT NOT NULL DEFAULT '', w TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (a, b))`

let first: CorrosionAgent
let second: CorrosionAgent
let writer: CorrosionClient
let reader: CorrosionClient

beforeAll(async () => {
  first = await startCorrosionAgent({ schemas: [pairTable] })
  second = await startCorrosionAgent({ schemas: [pairTable], bootstrap: [first.gossipAddr] })
  writer = createCorrosionClient({ url: first.url })
  reader = createCorrosionClient({ url: second.url })
}, 60_000)

afterAll(async () => {
  await Promise.all([writer[Symbol.asyncDispose](), reader[Symbol.asyncDispose]()])
  await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])
})

const put = (client: CorrosionClient, pk: string, message = '') =>
  client.transact([
    [
      `INSERT INTO node_messages (pk, message) VALUES (?, ?)
       ON CONFLICT (pk) DO UPDATE SET message = excluded.message`,
      [pk, message],
    ],
  ])
const remove = (client: CorrosionClient, pk: string) =>
  client.transact([['DELETE FROM node_messages WHERE pk = ?', [pk]]])

const isState = (state: string) => (event: FollowEvent) =>
  event.kind === 'state' && event.state === state
const isLive = (follower: Follower) => () => follower.events.some(isState('live'))
const statesOf = ({ events }: Follower) =>
  events.flatMap((event) => (event.kind === 'state' ? [event.state] : []))
const ofKey = ({ rows }: Follower, pk: string) => rows.filter(({ key }) => key[0] === pk)

function expectNoneTwice({ rows }: Follower): void {
  const names = rows.map(({ keyText, version }) => `${keyText} ${version}`)
  expect(names.length - new Set(names).size).toBe(0)
}

test('each state of a row is given once', async () => {
  await using follower = startFollower(reader)
  await follower.until(isLive(follower))

  await put(writer, 'life', 'one')
  await follower.until(() => ofKey(follower, 'life').length === 1)
  await put(writer, 'life', 'two')
  await follower.until(() => ofKey(follower, 'life').length === 2)
  await remove(writer, 'life')
  await follower.until(() => ofKey(follower, 'life').length === 3)
  await put(writer, 'life', 'again')
  await follower.until(() => ofKey(follower, 'life').length === 4)

  expect(ofKey(follower, 'life').map(({ change, row }) => [change, row?.message])).toEqual([
    ['insert', 'one'],
    ['update', 'two'],
    ['delete', undefined],
    ['insert', 'again'],
  ])
  expectNoneTwice(follower)
})

test('what the updates feed told first is seen a second time by the subscription', async () => {
  await using follower = startFollower(reader)
  await follower.until(isLive(follower))
  // The subscription comes up to 600 ms late, but may be first for a row that is written just then.
  const keys = Array.from({ length: 8 }, (_, number) => `twice-${number}`)
  for (const key of keys) {
    await put(writer, key)
    await follower.until(() => ofKey(follower, key).length === 1)
  }
  const toldFirst = follower.rows.filter(({ via }) => via === 'updates')
  const seconds = () =>
    follower.events.flatMap((event) => (event.kind === 'seconds' ? event.seconds : []))
  await follower.until(() => seconds().length === toldFirst.length)

  expect(toldFirst.length).toBeGreaterThan(0)
  const named = (items: readonly { keyText: string; version: string }[]) =>
    items.map(({ keyText, version }) => `${keyText} ${version}`).toSorted()
  expect(named(seconds())).toEqual(named(toldFirst))
  for (const { updatesSeenAt, subscriptionSeenAt } of seconds()) {
    expect(subscriptionSeenAt).toBeGreaterThanOrEqual(updatesSeenAt)
  }
})

test('what was there before comes as catch-up, and live says how much', async () => {
  const { events } = await reader.updates('node_messages')
  await put(reader, 'before')
  // The feed tells it late, and would tell it to a follower that has come by then.
  for await (const { key } of events) if (key[0] === 'before') break
  await using follower = startFollower(reader)
  await follower.until(isLive(follower))

  expect(ofKey(follower, 'before')).toMatchObject([{ via: 'catch-up', change: 'insert' }])
  expect(follower.events.findLast(isState('live'))).toMatchObject({
    wasResumed: false,
    caughtUpRows: follower.rows.length,
  })
  expect(statesOf(follower)).toEqual(['connecting', 'snapshot', 'live'])
})

test('a thousand rows of one transaction are given once each', async () => {
  await using follower = startFollower(reader)
  await follower.until(isLive(follower))
  const { subscriptionId, changeId: place = 0 } = follower.cursor() ?? {}

  await writer.transact(
    Array.from({ length: 1000 }, (_, index) => [
      'INSERT INTO node_messages (pk) VALUES (?)',
      [`bulk-${index}`],
    ]),
  )
  const bulk = () => follower.rows.filter(({ key }) => String(key[0]).startsWith('bulk-'))
  await follower.until(() => bulk().length >= 1000)
  await follower.until(() => (follower.cursor()?.changeId ?? 0) >= place + 1000)

  expect(bulk()).toHaveLength(1000)
  expect(follower.cursor()?.subscriptionId).toBe(subscriptionId)
  expectNoneTwice(follower)
})

test('both nodes give a state the same version, and merged states too', async () => {
  const schema = await readTableSchema(reader, 'pair')
  expect(schema).toEqual({ table: 'pair', keyColumns: ['a', 'b'], columns: ['a', 'b', 'v', 'w'] })
  await using follower = startFollower(reader, { table: 'pair' })
  await follower.until(isLive(follower))
  const has = (b: number, holds: (row: Record<string, unknown> | null) => boolean) => () =>
    follower.rows.some(({ key, row }) => key[1] === b && holds(row))

  await writer.transact(
    ['INSERT INTO pair (a, b) VALUES (?1, 1), (?1, 2), (?1, 3)'].map(
      (sql) => [sql, ['k']] as const,
    ),
  )
  await follower.until(() => follower.rows.length >= 3)
  // Written on both nodes at once, each another column of the same row.
  await Promise.all([
    writer.transact(["UPDATE pair SET v = 'from first' WHERE b = 1"]),
    reader.transact(["UPDATE pair SET w = 'from second' WHERE b = 1"]),
  ])
  await writer.transact(['DELETE FROM pair WHERE b = 2'])
  await writer.transact(['DELETE FROM pair WHERE b = 3'])
  await follower.until(has(3, (row) => row === null))
  await reader.transact(["INSERT INTO pair (a, b, v) VALUES ('k', 3, 'again')"])
  await follower.until(has(1, (row) => row?.v === 'from first' && row.w === 'from second'))
  await follower.until(has(2, (row) => row === null))
  await follower.until(has(3, (row) => row?.v === 'again'))

  const keys = [1, 2, 3].map((b) => ['k', b])
  const here = await readRows(reader, schema, keys)
  await using other = startFollower(writer, { table: 'pair' })
  await other.until(() => other.rows.some(({ key, row }) => key[1] === 3 && row?.v === 'again'))
  await other.until(() => other.rows.some(({ row }) => row?.w === 'from second'))
  expect(await readRows(writer, schema, keys)).toEqual(here)
  expect(here.map(({ row }) => row)).toEqual([
    { a: 'k', b: 1, v: 'from first', w: 'from second' },
    null,
    { a: 'k', b: 3, v: 'again', w: '' },
  ])
  // Each of the two columns was written last by another node.
  expect(new Set(here[0]?.writes.map(({ siteId }) => siteId)).size).toBe(2)
})

test('a second run goes on from the cursor with what it missed, and nothing else', async () => {
  const shadow = createMemoryShadow()
  const before = startFollower(reader, { shadow })
  await before.until(isLive(before))
  await put(reader, 'counted')
  // The cursor moves with the subscription, after the row.
  const place = before.cursor()?.changeId ?? 0
  await before.until(() => (before.cursor()?.changeId ?? 0) > place)
  await before[Symbol.asyncDispose]()

  await put(reader, 'missed')
  await using after = startFollower(reader, { shadow, cursor: before.cursor() })
  await after.until(() => ofKey(after, 'missed').length === 1)

  expect(after.rows).toHaveLength(1)
  expect(after.events.some(({ kind }) => kind === 'gap')).toBe(false)
  expect(statesOf(after)).toEqual(['connecting', 'live'])
})

test('a cursor of a subscription that is gone leads to a gap and a comparison', async () => {
  const shadow = createMemoryShadow()
  const before = startFollower(reader, { shadow })
  await before.until(isLive(before))
  await before[Symbol.asyncDispose]()
  await put(reader, 'in the gap')
  await remove(reader, 'before')

  const cursor = { subscriptionId: '00000000-0000-4000-8000-000000000000', changeId: 5 }
  await using after = startFollower(reader, { shadow, cursor })
  await after.until(isLive(after))

  expect(after.rows.map(({ keyText, change }) => `${change} ${keyText}`).toSorted()).toEqual([
    'delete ["before"]',
    'insert ["in the gap"]',
  ])
  expect(after.events.filter(({ kind }) => kind === 'gap')).toHaveLength(1)
  expect(after.cursor()?.subscriptionId).not.toBe(cursor.subscriptionId)
})

test('a pause gives nothing but its state, and loses nothing', async () => {
  await using follower = startFollower(reader)
  await follower.until(isLive(follower))

  follower.follow.pause('restart 17')
  await follower.until(() => follower.follow.state === 'paused')
  await follower.until(() => follower.events.some(isState('paused')))
  const count = follower.events.length
  await put(reader, 'paused', 'one')
  await put(reader, 'paused', 'two')
  await delay(700)
  expect(follower.events).toHaveLength(count)
  expect(follower.events.at(-1)).toMatchObject({ state: 'paused', reason: 'restart 17' })

  follower.follow.resume()
  await follower.until(() => ofKey(follower, 'paused').length > 0)
  expect(ofKey(follower, 'paused').map(({ row }) => row?.message)).toEqual(['two'])
  expect(statesOf(follower).slice(-3)).toEqual(['paused', 'resuming', 'live'])
})

test('a slow caller gets the last state, not each', async () => {
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  await using follower = startFollower(reader, { slow: () => held })
  for (let index = 0; index < 200; index++) await put(reader, 'slow', String(index))
  goOn()

  await follower.until(() => ofKey(follower, 'slow').at(-1)?.row?.message === '199')

  expect(ofKey(follower, 'slow').length).toBeLessThan(20)
})

test('an audit names a planted difference and gives the row', async () => {
  // Both feeds have told the row before it is followed, so that only the audit can name it again.
  await using told = startFollower(reader)
  await told.until(isLive(told))
  const updates = await reader.updates('node_messages')
  const subscription = await reader.subscribe(
    subscriptionSql(await readTableSchema(reader, 'node_messages')),
    { skipRows: true },
  )
  await put(reader, 'planted', String(Math.random()))
  for await (const { key } of updates.events) if (key[0] === 'planted') break
  for await (const event of subscription.events) {
    if (event.kind === 'change' && event.cells.includes('planted')) break
  }
  const shadow = createMemoryShadow()
  await using follower = startFollower(reader, { shadow, auditIntervalMs: 300 })
  await follower.until(isLive(follower))
  await follower.until(() => follower.events.some(({ kind }) => kind === 'audit'))
  const [planted] = ofKey(follower, 'planted')
  if (planted === undefined) throw new Error('the row was not given')

  shadow.apply([
    { ...planted, version: 'another' },
    { ...planted, keyText: '["ghost"]', key: ['ghost'], row: { pk: 'ghost' } },
  ])
  await follower.until(() => ofKey(follower, 'planted').length === 2)
  await follower.until(() => ofKey(follower, 'ghost').length === 1)

  const found = follower.events.flatMap((event) => (event.kind === 'audit' ? event.differing : []))
  expect(new Set(found)).toEqual(new Set(['["planted"]', '["ghost"]']))
  expect(ofKey(follower, 'ghost')[0]).toMatchObject({ change: 'delete', via: 'catch-up' })
})

test('a statement that the agent cannot begin any more is followed in another text', async () => {
  await using agent = await startCorrosionAgent()
  await using client = createCorrosionClient({ url: agent.url })
  const sql = subscriptionSql(await readTableSchema(client, 'node_messages'))
  await expect(client.subscribe(sql, { from: 5 })).rejects.toThrow('`from`')

  await using follower = startFollower(client)
  await follower.until(isLive(follower))
  await put(client, 'after', 'one')
  await follower.until(() => ofKey(follower, 'after').length === 1)

  expect(ofKey(follower, 'after')).toMatchObject([{ change: 'insert', row: { message: 'one' } }])
})

test('a snapshot that does not come is asked for again, in another text', async () => {
  const silent = subscriptionSql(await readTableSchema(reader, 'node_messages'))
  await using silencer = await startSilencer(
    second.url,
    ({ path, body }) => path.startsWith('/v1/subscriptions') && body.includes(silent),
  )
  await using client = createCorrosionClient({ url: silencer.url })

  await using follower = startFollower(client)
  await follower.until(isLive(follower))

  const reasons = follower.events.flatMap((event) =>
    event.kind === 'state' && event.state === 'connecting' ? [event.reason] : [],
  )
  expect(reasons).toEqual([undefined, 'nothing of a snapshot came for 10000 ms'])
})

test('an agent that hangs is noticed, and followed again when it goes on', async () => {
  await using follower = startFollower(reader, { probeIntervalMs: 200 })
  await follower.until(isLive(follower))

  await second.kill('SIGSTOP')
  await follower.until(() => follower.events.some(isState('lost')))
  await second.kill('SIGCONT')
  await follower.until(() => follower.events.filter(isState('live')).length === 2)

  await put(reader, 'after the hang')
  await follower.until(() => ofKey(follower, 'after the hang').length === 1)
  expect(statesOf(follower).slice(-3)).toEqual(['lost', 'resuming', 'live'])
})

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a restart by %s under writes loses nothing and gives nothing twice',
  async (signal) => {
    await using follower = startFollower(reader)
    await follower.until(isLive(follower))
    const written: string[] = []
    const stop = new AbortController()
    // At the agent that is restarted: how long another one takes to gossip is not of interest here.
    const write = async () => {
      while (!stop.signal.aborted) {
        const pk = `${signal}-${written.length}`
        await put(reader, pk).then(
          () => written.push(pk),
          // Whether it was committed is unknown, so the same is written again.
          (error: unknown) => expect(error).toBeInstanceOf(CorrosionConnectionError),
        )
        await delay(15)
      }
    }
    const writing = write()
    await follower.until(() => ofKey(follower, `${signal}-5`).length > 0)

    await second.restart(signal)
    await follower.until(() => follower.events.filter(isState('live')).length >= 2)
    stop.abort()
    await writing

    await follower.until(() => written.every((pk) => follower.shadow.versionOf(`["${pk}"]`)))
    expectNoneTwice(follower)
    expect(follower.events.some(({ kind }) => kind === 'gap')).toBe(signal === 'SIGKILL')
  },
)
