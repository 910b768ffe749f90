import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { until } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type HttpSetup, setUpHttp } from './http-setup.ts'

let api: HttpSetup
beforeEach(async () => {
  api = await setUpHttp()
})
afterEach(async () => {
  await api[Symbol.asyncDispose]()
})

const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)'

test('rows that came before the timeout are all there, and the next query is answered', async () => {
  const stuck = `${endless} SELECT x FROM c WHERE x <= 1000`

  const { status, body } = await api.query(stuck, '/v1/queries?timeout=1')
  const next = await api.query('SELECT 1')

  const lines = body.trimEnd().split('\n')
  expect(status).toBe(200)
  expect(lines).toHaveLength(1002)
  expect(lines.at(-2)).toBe('{"row":[1000,[1000]]}')
  expect(lines.at(-1)).toBe('{"error":"interrupted"}')
  expect(next.body).toContain('{"row":[1,[1]]}')
})

test('the timeout is that of a step, not of the whole query', async () => {
  // Each row takes some 100 ms of counting.
  const slow = `SELECT count(*) FROM (SELECT x FROM c WHERE x > value LIMIT 400000)`
  const { body } = await api.query(
    `SELECT (${endless} ${slow}) FROM json_each('[${'1,'.repeat(19)}1]')`,
    '/v1/queries?timeout=1',
  )

  expect(body.match(/"row"/g)).toHaveLength(20)
  expect(body).toContain('{"eoq":')
})

test('what a statement leaves on its connection stays there', async () => {
  await api.transact("INSERT INTO node_messages(pk) VALUES ('before')")
  await api.query('BEGIN')
  const count = 'SELECT count(*) FROM node_messages'
  const first = await api.query(count)
  await api.transact("INSERT INTO node_messages(pk) VALUES ('after')")

  const stale = await api.query(count)
  await api.query('COMMIT')
  const fresh = await api.query(count)

  expect(first.body).toContain('[1,[1]]')
  expect(stale.body).toContain('[1,[1]]')
  expect(fresh.body).toContain('[1,[2]]')
})

test('ATTACH and PRAGMA are let through and keep their effect', async () => {
  await api.query("ATTACH ':memory:' AS other")
  const databases = await api.query("SELECT name FROM pragma_database_list WHERE name = 'other'")
  await api.query('PRAGMA case_sensitive_like = 1')
  const like = await api.query("SELECT 'a' LIKE 'A'")

  expect(databases.body).toContain('[1,["other"]]')
  expect(like.body).toContain('[1,[0]]')
})

test('a long result waits for a client that reads slowly', async () => {
  const rows = 400
  const sql = `${endless} SELECT hex(zeroblob(50000)) FROM c LIMIT ${rows}`
  const response = await api.open({ path: '/v1/queries?timeout=4', body: sql })

  const before = process.memoryUsage().arrayBuffers
  response.pause()
  // Longer than the timeout: that the client does not read is not the statement's fault.
  const pausedUntil = performance.now() + 4500
  await until(() => performance.now() > pausedUntil)
  const held = process.memoryUsage().arrayBuffers - before
  const body = await text(response)

  expect(held).toBeLessThan(10_000_000)
  expect(body.match(/"row"/g)).toHaveLength(rows)
  expect(body.length).toBeGreaterThan(40_000_000)
  expect(body).toContain('{"eoq":')
})

test('the query of a client that has gone is given up', async () => {
  const gone = new AbortController()
  const stuck = { path: '/v1/queries?timeout=0', body: `${endless} SELECT max(x) FROM c` }
  const response = await api.open({ ...stuck, signal: gone.signal })
  await until(() => readers().some(isBusy))

  response.on('error', () => {})
  gone.abort()

  await until(() => !readers().some(isBusy))
  const next = await api.query('SELECT 1')
  expect(next.status).toBe(200)
})

test('four statements that run long leave others waiting, and no longer', async () => {
  const stuck = `${endless} SELECT max(x) FROM c`
  const long = Array.from({ length: 4 }, () => api.query(stuck, '/v1/queries?timeout=4'))
  await until(() => readers().length === 4)

  const waiting = await api.query('SELECT 1')

  expect(waiting.body).toContain('{"eoq":')
  for (const { body } of await Promise.all(long)) expect(body).toContain('interrupted')
})

test('several short queries at once need no other process', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => api.query(['SELECT ?', [index]])),
  )

  answers.forEach(({ body }, index) => {
    expect(body).toContain(`[1,[${index}]]`)
  })
  expect(readers()).toHaveLength(1)
})

test('a reader that is killed from outside is replaced', async () => {
  await api.query('SELECT 1')
  const [pid = 0] = readers()
  process.kill(pid, 'SIGKILL')
  await until(() => readers().some((other) => other !== pid))

  expect((await api.query('SELECT 1')).body).toContain('{"eoq":')
})

test('a query that runs ends when its agent is killed', async () => {
  const script = join(import.meta.dirname, 'http-stuck-agent.ts')
  const agent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(agent.stdout, 'data')
  const stuck = () => readers(agent.pid).filter(isBusy)
  await until(() => stuck().length === 1)
  const [reader = 0] = stuck()

  agent.kill('SIGKILL')

  await until(() => !isAlive(reader))
})

test.each([
  ['', '{"columns":[]}\n{"error":"bad parameter or other API misuse"}\n'],
  ['-- nothing', '{"columns":[]}\n{"error":"bad parameter or other API misuse"}\n'],
  ['RELEASE nope', '{"columns":[]}\n{"error":"no such savepoint: nope"}\n'],
  ["SELECT json('{')", '{"columns":["json(\'{\')"]}\n{"error":"malformed JSON"}\n'],
])('%j is answered 200 with an error', async (sql, expected) => {
  const { status, body } = await api.query(sql)

  expect(status).toBe(200)
  expect(body).toBe(expected)
})

test.each([
  'SELECT 1;;',
  'SELECT 1; -- x',
  ';SELECT 1',
  'SELECT 1\0 garbage',
  'PRAGMA query_only',
  'EXPLAIN QUERY PLAN SELECT 1',
])('%j is one statement that only reads', async (sql) => {
  const { status, body } = await api.query(sql)

  expect(status).toBe(200)
  expect(body).toContain('{"eoq":')
})

test.each([
  'PRAGMA journal_mode',
  'PRAGMA wal_checkpoint',
  'PRAGMA user_version = 5',
  'VACUUM',
  'BEGIN IMMEDIATE',
  'EXPLAIN DELETE FROM node_messages',
  'WITH a AS (SELECT 1) INSERT INTO node_messages(pk) SELECT * FROM a',
  'CREATE TABLE IF NOT EXISTS node_messages(pk)',
])('%j would write', async (sql) => {
  const { status, body } = await api.query(sql)

  expect(status).toBe(400)
  expect(body).toBe('{"error":"statement is not readonly"}')
})

test.each([
  [
    ['SELECT ?2, ?1, :a', [1, 'two', null]],
    ['two', 1, null],
  ],
  [['SELECT ?5', [1, 2, 3, 4, 5]], [5]],
  [
    ['SELECT :a, :a, ?', { ':a': 1 }],
    [1, 1, null],
  ],
  [
    ['SELECT typeof(?), typeof(?), typeof(?)', [1, 1.5, [1]]],
    ['integer', 'real', 'blob'],
  ],
  [{ query: 'SELECT ?', params: [1], named_params: { ':a': 2 } }, [1]],
  ['SELECT "no column"', ['no column']],
  ["SELECT ':a ? @b'", [':a ? @b']],
])('%j gives its row', async (statement, cells) => {
  const { body } = await api.query(statement)

  const row = body.split('\n')[1] ?? ''
  expect(JSON.parse(row)).toEqual({ row: [1, cells] })
})

test('functions that only the development agent has are unknown', async () => {
  const { body } = await api.query('SELECT sqrt(2)')

  expect(body).toBe('{"error":"no such function: sqrt in SELECT sqrt(2) at offset 7"}')
})

test('the functions of Corrosion are there', async () => {
  await api.transact("INSERT INTO node_messages(pk) VALUES ('a')")
  const { body } = await api.query(
    `SELECT crsql_db_version(), length(crsql_site_id()), hex(crsql_pack_columns(1, 'a')),
       corro_json_contains('{"a":1}', '{"a":1,"b":2}'), count(*) FROM crsql_changes`,
  )

  expect(body).toContain('[1,[1,16,"0209010B0161",1,')
})

function readers(parent = process.pid): number[] {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return output.split('\n').flatMap((line) => {
    const [, pid, ppid, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return Number(ppid) === parent && args.includes('reader-process') ? [Number(pid)] : []
  })
}

/** It computes, rather than waiting for a query. */
function isBusy(pid: number): boolean {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' })
  return new RegExp(`^\\s*${pid}\\s+R`, 'm').test(output)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // There is none any more.
    return false
  }
}
