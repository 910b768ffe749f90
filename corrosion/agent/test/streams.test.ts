import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { createLog } from '../src/log.ts'
import { openStore } from '../src/store/open-store.ts'
import { StreamRefusedError } from '../src/streams/line-stream.ts'
import { openStreams } from '../src/streams/streams.ts'
import { setUpStreams } from './streams-setup.ts'

const labSql = "SELECT pk, message FROM node_messages WHERE region = 'lab'"
const insert = (pk: string, message = ''): string =>
  `INSERT INTO node_messages(pk, message, region) VALUES('${pk}', '${message}', 'lab')`
const insertMany = (count: number, prefix = 'n'): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
   INSERT INTO node_messages(pk, region) SELECT '${prefix}' || printf('%06d', i), 'lab' FROM n`

test('a subscription goes on after a graceful end, with what was committed up to it', async () => {
  using setup = setUpStreams({ flushMs: 60_000 })
  const first = setup.subscribe(labSql)
  await first.snapshot()
  setup.transact(insert('a'))

  setup.restart()

  expect(await first.rest()).toEqual([])
  const resumed = setup.resume(first.stream.id, { from: 0, skipRows: true })
  const again = setup.subscribe(labSql, { from: 1 })
  expect(again.stream.id).toBe(first.stream.id)
  const fresh = setup.subscribe(labSql)
  expect(await fresh.snapshot()).toEqual([
    '{"columns":["pk","message"]}',
    '{"row":[1,["a",""]]}',
    '{"eoq":{"time":T,"change_id":1}}',
  ])
  setup.transact(insert('b'))
  setup.restart()
  expect(await resumed.rest()).toEqual([])
  const last = setup.resume(first.stream.id, { from: 1 })
  expect(await last.lines(1)).toEqual(['{"change":["insert",2,["b",""],2]}'])
})

test('after a kill a subscription is gone, and its folder too', async () => {
  using folder = createTemporaryFolder()
  const script = join(folder.path, 'agent.ts')
  const source = join(import.meta.dirname, '../src')
  writeFileSync(
    script,
    `import { openStore } from '${source}/store/open-store.ts'
     import { openStreams } from '${source}/streams/streams.ts'
     const log = { debug() {}, info() {}, warn() {}, error() {} }
     const store = openStore({ path: '${folder.path}/c.db', now: () => 1n })
     store.applySchema('CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, v TEXT)')
     const streams = openStreams({ store, folder: '${folder.path}/subs', log })
     const { id } = streams.subscribe({ sql: 'SELECT * FROM t', params: [] }, { signal: new AbortController().signal })
     process.stdout.write(id)
     setInterval(() => {}, 1000)`,
  )
  const agent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [id] = await once(agent.stdout, 'data')
  expect(readdirSync(join(folder.path, 'subs'))).toHaveLength(1)
  agent.kill('SIGKILL')
  await once(agent, 'exit')

  using store = openStore({ path: join(folder.path, 'c.db'), now: () => 2n })
  const log = createLog({ format: 'plaintext', write() {} })
  const streams = openStreams({ store, folder: join(folder.path, 'subs'), log })
  const { signal } = new AbortController()
  expect(() => streams.resume(String(id), { signal })).toThrow(
    new StreamRefusedError(404, `could not find subscription with id ${String(id)}`),
  )
  expect(readdirSync(join(folder.path, 'subs'))).toEqual([])
  streams.close()
})

test('2000 changes come in order; later only the last 500 are there to resume from', async () => {
  using setup = setUpStreams()
  const reader = setup.subscribe(labSql)
  await reader.snapshot()
  setup.transact(insertMany(2000))
  const changes = await reader.lines(2000)
  expect(changes.map((line) => JSON.parse(line).change[3])).toEqual(
    Array.from({ length: 2000 }, (_, index) => index + 1),
  )
  const complete = setup.resume(reader.stream.id, { from: 1 })
  expect(await complete.lines(1999)).toEqual(changes.slice(1))

  setup.restart()

  const early = setup.resume(reader.stream.id, { from: 1498 })
  expect(await early.rest()).toEqual([
    '{"error":"subscription already deleted older changes, min change id: 1500"}',
  ])
  const late = setup.resume(reader.stream.id, { from: 1499 })
  expect(await late.lines(501)).toEqual(changes.slice(1499))
})

test('a resume where nothing has changed yet is answered as the real agent does', async () => {
  using setup = setUpStreams()
  const { stream } = setup.subscribe(labSql)
  expect(await setup.resume(stream.id, { from: 5 }).rest()).toEqual([
    '{"error":"Invalid column type Null at index: 0, name: MIN(id)"}',
  ])
})

test('from without a subscription is refused, and spoils the statement', async () => {
  using setup = setUpStreams()
  expect(() => setup.subscribe(labSql, { from: 0 })).toThrow(
    new StreamRefusedError(
      400,
      'a `from` query param was supplied, but no existing subscription found',
    ),
  )
  expect(() => setup.subscribe(labSql)).toThrow(
    new StreamRefusedError(500, 'found a subscription, but missing broadcaster'),
  )
})

test('skip_rows of a new subscription gives changes only', async () => {
  using setup = setUpStreams()
  setup.transact(insert('a'))
  const reader = setup.subscribe(labSql, { skipRows: true })
  setup.transact(insert('b'))
  expect(await reader.lines(1)).toEqual(['{"change":["insert",2,["b",""],1]}'])
})

test('a reader that does not read is dropped without a word, and holds up nobody', async () => {
  using setup = setUpStreams()
  const gone = new AbortController()
  const slow = setup.streams.subscribe(
    { sql: labSql, params: [] },
    { signal: gone.signal, skipRows: true },
  )
  const quick = setup.subscribe(labSql)
  await quick.snapshot()
  for (const prefix of ['a', 'b', 'c']) {
    setup.transact(insertMany(6000, prefix))
    await quick.lines(6000)
  }

  let text = ''
  for await (const lines of slow.lines) text += lines

  const lines = text.split('\n').slice(0, -1)
  expect(lines).toHaveLength(12_000)
  expect(lines.at(-1)).toContain(',12000]')
  expect(setup.logged.join('')).toContain('subscription stream lags and ends')
  gone.abort()
})

test('a snapshot is what it was when it began, however slowly it is read', async () => {
  using setup = setUpStreams()
  setup.transact(insertMany(5000))
  const { signal } = new AbortController()
  const { lines } = setup.streams.subscribe({ sql: labSql, params: [] }, { signal })
  const texts = lines[Symbol.asyncIterator]()
  let text = String((await texts.next()).value)
  const quick = setup.subscribe(labSql, { skipRows: true })
  setup.transact('DELETE FROM node_messages')
  await quick.lines(5000)
  while (!text.includes('"eoq"')) text += String((await texts.next()).value)

  expect(text.match(/"row"/g)).toHaveLength(5000)
  expect(text).toMatch(/"change_id":0\}\}\n$/)
  const next: unknown = (await texts.next()).value
  expect(next).toMatch(/^\{"change":\["delete",1,/)
  await texts.return?.()
})

test('a subscription that nobody reads is removed with its folder', async () => {
  using setup = setUpStreams({ idleMs: 20 })
  const reader = setup.subscribe(labSql)
  await reader.snapshot()
  expect(readdirSync(setup.folder)).toEqual([reader.stream.id.replaceAll('-', '')])
  reader.leave()
  await reader.rest()
  await until(() => setup.streams.list().length === 0)
  expect(readdirSync(setup.folder)).toEqual([])
})

test('a query that fails at first, or later, ends its streams and can be asked for again', async () => {
  using setup = setUpStreams()
  const sql = "SELECT pk, json_extract(message, '$.a') FROM node_messages WHERE region = 'lab'"
  setup.transact(insert('a', '{bad'))
  expect(await setup.subscribe(sql).rest()).toEqual([
    '{"columns":["pk","json_extract(message, \'$.a\')"]}',
    '{"error":"malformed JSON"}',
  ])
  setup.transact("UPDATE node_messages SET message = '{}'")
  const reader = setup.subscribe(sql)
  await reader.snapshot()
  setup.transact("UPDATE node_messages SET message = '{bad'")
  expect(await reader.rest()).toEqual([])
  expect(setup.streams.list()).toEqual([])
  expect(readdirSync(setup.folder)).toEqual([])
})

test('columns count as Corrosion counts them', async () => {
  using setup = setUpStreams()
  const seen = [
    'SELECT a, g FROM pair',
    "SELECT a, w FROM pair WHERE v <> 'no'",
    'SELECT p.a, (p.v) FROM pair p WHERE a > 0 OR w',
    'SELECT a, CASE v WHEN 1 THEN 2 ELSE w END AS x FROM pair',
    'SELECT a FROM pair WHERE v BETWEEN 0 AND zeroblob(2)',
  ].map((sql) => setup.subscribe(sql))
  const unseen = [
    'SELECT a FROM pair',
    'SELECT a, "v" FROM pair',
    'SELECT a, `v` FROM pair',
    'SELECT p.a, p.V FROM pair p',
    'SELECT a, CASE WHEN a > 0 THEN v END FROM pair',
    "SELECT a, 'm' BETWEEN 'a' AND v FROM pair",
    'SELECT a, v FROM pair WHERE 0',
  ].map((sql) => setup.subscribe(sql))
  for (const reader of [...seen, ...unseen]) await reader.snapshot()

  setup.transact("INSERT INTO pair(a, b, v, w) VALUES (1, 'x', 'hi', 1.5)")

  const cells = []
  for (const reader of seen) cells.push(JSON.parse((await reader.lines(1))[0] ?? '').change[2])
  expect(cells).toEqual([[1, 'HI'], [1, 1.5], [1, 'hi'], [1, 1.5], [1]])
  setup.streams.close()
  for (const reader of unseen) expect(await reader.rest()).toEqual([])
})

test('every kind of value comes through, in composite keys too', async () => {
  using setup = setUpStreams()
  const reader = setup.subscribe('SELECT a, b, v, w FROM pair')
  const feed = setup.updates('pair')
  await reader.snapshot()
  setup.transact(
    `INSERT INTO pair(a, b, v, w) VALUES (9223372036854775807, 'é"', '', x'00ff'),
     (-9223372036854775808, '', 'x', 1.0), (0, 'n', '', NULL), (1, 'r', '', 1e16)`,
  )
  expect(await reader.lines(4)).toEqual([
    '{"change":["insert",1,[-9223372036854775808,"","x",1.0],1]}',
    '{"change":["insert",2,[0,"n","",null],2]}',
    '{"change":["insert",3,[1,"r","",1e16],3]}',
    '{"change":["insert",4,[9223372036854775807,"é\\"","",[0,255]],4]}',
  ])
  expect(await feed.lines(4)).toEqual([
    '{"notify":["update",[9223372036854775807,"é\\""]]}',
    '{"notify":["update",[-9223372036854775808,""]]}',
    '{"notify":["update",[0,"n"]]}',
    '{"notify":["update",[1,"r"]]}',
  ])
})

test('an updates feed is shared, ends with its last listener, and knows its tables', async () => {
  using setup = setUpStreams({ flushMs: 30, unheardMs: 20 })
  const first = setup.updates('key_only')
  const second = setup.updates('key_only')
  expect(second.stream.id).toBe(first.stream.id)
  expect(first.stream.hash).toBeUndefined()
  setup.transact('INSERT INTO key_only VALUES (7)')
  expect(await first.lines(1)).toEqual(await second.lines(1))
  expect(() => setup.updates('nope')).toThrow(
    new StreamRefusedError(400, 'table not found in schema: nope'),
  )
  first.leave()
  second.leave()
  await second.rest()
  setup.transact('INSERT INTO key_only VALUES (8)')
  expect(setup.updates('key_only').stream.id).not.toBe(first.stream.id)
})

test('what subs info shows', async () => {
  using setup = setUpStreams()
  const { stream } = setup.subscribe("SELECT v FROM pair AS p WHERE v <> 'x' -- not that")
  const info = setup.streams.info({ hash: String(stream.hash) })
  expect(info).toEqual(setup.streams.info({ id: stream.id }))
  expect(info).toMatchObject({
    id: stream.id,
    last_change_id: 0,
    original_query: "SELECT v FROM pair AS p WHERE v <> 'x' -- not that",
    path: join(setup.folder, stream.id.replaceAll('-', '')),
    statements: [
      {
        pair: "SELECT p.a, p.b, v FROM pair AS p WHERE (p.a, p.b) IN __corro_sub.temp_pair AND (v <> 'x')",
      },
    ],
  })
  expect(setup.streams.info({ id: 'none' })).toBeUndefined()
})
