import type { Bus } from '@corroport/bus'
import {
  analyticsRelationsQueried,
  analyticsTablesQueried,
  type QueryParameters,
  queryPresets,
} from '@corroport/contracts'
import { stopProcess, until } from '@corroport/testing'
import { expect, jest, test } from '@jest/globals'
import { Client } from 'pg'
import { answerQueries } from '../src/query/answer-queries.ts'
import { mostAtOnce } from '../src/query/reader.ts'
import { openDatabase } from '../src/store/database.ts'
import { createDatabase, quiet, startServersOfFile } from './harness.ts'

jest.setTimeout(60_000)
const servers = startServersOfFile()

/** A database whose tables are answered for. */
async function startAnswering({ readerUrl }: { readerUrl?: string } = {}) {
  await using starting = new AsyncDisposableStack()
  const { postgres, bus } = servers()
  const { db, url } = starting.use(await createDatabase(postgres))
  starting.use(answerQueries({ bus, db, databaseUrl: url, readerUrl }))
  await until(() => bus.isConnected)
  return Object.assign(starting.move(), { db, url, ...askers(bus) })
}

function askers(bus: Bus) {
  const ask = async (
    sql: string,
    params: QueryParameters = [],
    { maxRows = 1000, timeoutMs = 2000 } = {},
  ) => {
    const request = { sql, params, by: 'anna', maxRows, timeoutMs }
    return (await bus.request(analyticsTablesQueried, {}, request)).table
  }
  const refusal = async (...given: Parameters<typeof ask>) =>
    await ask(...given).then(
      ({ rows }) => `not refused: ${JSON.stringify(rows)}`,
      (error: Error) => error.message.replace('corro.command.analytics.query: ', ''),
    )
  return { bus, ask, refusal }
}

test('tables are read with parameters by name or by place, each type as a cell', async () => {
  await using analytics = await startAnswering()

  const named = await analytics.ask(
    `SELECT :n::int + 1 AS sum, ':n' AS text, x::text, :n::bigint + 9223372036854775805 AS big,
      :blob::bytea AS blob, NULL AS none, to_timestamp(0.5) AS at, '{"a":1}'::jsonb AS json, true AS yes,
      0.10 AS exact
    FROM generate_series(1, 2) x`,
    { n: 2, blob: { $blob: '3q0=' } },
  )
  const placed = await analytics.ask('SELECT $2::text, $1::int', [1, 'a'])

  expect(named).toMatchObject({
    columns: ['sum', 'text', 'x', 'big', 'blob', 'none', 'at', 'json', 'yes', 'exact'],
    cut: null,
  })
  const rest = [
    { $integer: '9223372036854775807' },
    { $blob: '3q0=' },
    null,
    '1970-01-01T00:00:00.5Z',
    '{"a": 1}',
    'true',
    '0.10',
  ]
  expect(named.rows).toEqual([
    [3, ':n', '1', ...rest],
    [3, ':n', '2', ...rest],
  ])
  expect(placed.rows).toEqual([['a', 1]])
  expect((await analytics.ask('EXPLAIN SELECT $1::int', [1])).columns).toEqual(['QUERY PLAN'])
  expect((await analytics.ask('TABLE experiment')).rows).toEqual([])
  expect((await analytics.ask("VALUES ('=1')")).rows).toEqual([['=1']])
})

test.each([
  ['DELETE FROM experiment', 'not DELETE'],
  ['SET ROLE postgres', 'not SET'],
  ['COPY experiment TO STDOUT', 'not COPY'],
  ['SELECT 1; DROP TABLE experiment', 'cannot insert multiple commands'],
  ["SELECT 1; COMMIT; SELECT set_config('a.b', '1', false)", 'cannot insert multiple commands'],
  ['WITH a AS (DELETE FROM experiment RETURNING *) SELECT * FROM a', 'data-modifying statements'],
  ['SELECT 1 INTO x', 'INTO'],
  [
    'SELECT * FROM experiment FOR UPDATE',
    /must not specify FOR UPDATE|FOR UPDATE in a read-only|permission denied/,
  ],
  [
    'EXPLAIN ANALYZE WITH a AS (DELETE FROM experiment RETURNING *) SELECT 1',
    /read-only|permission/,
  ],
  ["SELECT pg_read_file('/etc/passwd')", 'permission denied for function pg_read_file'],
  ["SELECT pg_ls_dir('/')", 'permission denied for function pg_ls_dir'],
  ["SELECT lo_import('/etc/passwd')", /permission denied|read-only/],
  ["SELECT lo_from_bytea(0, 'a')", 'read-only'],
  ['SELECT lo_creat(-1)', 'read-only'],
  ["SELECT * FROM dblink('', 'SELECT 1') AS x(a int)", 'dblink'],
  [
    "SELECT query_to_xml('DROP TABLE experiment', true, true, '')",
    /unsupported XML|read-only|not built|non-volatile|must be owner/,
  ],
  ["SELECT set_config('role', 'postgres', false)", 'permission denied to set role'],
  ["SELECT set_config('session_authorization', 'postgres', false)", 'permission denied'],
  [
    "SELECT set_config('transaction_read_only', 'off', true)",
    'transaction read-write mode must be set',
  ],
  ['SELECT pg_reload_conf()', 'permission denied'],
  [
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    'permission denied',
  ],
  ['SELECT rolpassword FROM pg_authid', 'permission denied for table pg_authid'],
  ['SELECT * FROM import_row', 'permission denied for table import_row'],
  ["SELECT nextval('x')", 'relation "x" does not exist'],
  ['SELECT\n a FRO b', 'syntax error at or near "b", line 2, column 8'],
  ["SELECT 'ü', nothing", 'column "nothing" does not exist, line 1, column 13'],
  ['SELECT $1::int', 'bind message supplies 0 parameters'],
  ["SELECT 'a'::int", 'invalid input syntax for type integer'],
])('%s is refused with its reason', async (sql, reason) => {
  await using analytics = await startAnswering()

  const refused = await analytics.refusal(sql)

  expect(refused).toMatch(reason)
})

test('rows, bytes and time are limited, and what cut is said', async () => {
  await using analytics = await startAnswering()
  const cut = async (...given: Parameters<typeof analytics.ask>) => {
    const table = await analytics.ask(...given)
    return [table.cut, table.rows.length]
  }
  const million = 'SELECT x FROM generate_series(1, 1000000) x'

  expect(await cut('SELECT x FROM generate_series(1, 1000) x')).toEqual([null, 1000])
  expect(await cut(million)).toEqual(['rows', 1000])
  expect(await cut(million, [], { maxRows: 10_000 })).toEqual(['rows', 10_000])
  expect(await cut("SELECT repeat('x', 10000) FROM generate_series(1, 1000)")).toEqual([
    'bytes',
    69,
  ])
  expect(await cut("SELECT repeat('x', 10000000)")).toEqual(['bytes', 0])
  expect(await cut("SELECT repeat('x', 40000000)", [], { timeoutMs: 8000 })).toEqual(['bytes', 0])
  const { rows } = await analytics.ask("SELECT current_setting('temp_file_limit')")
  expect(rows).toEqual([['256MB']])
  const slow = 'SELECT x, pg_sleep(CASE x WHEN 1 THEN 0 ELSE 100 END) FROM generate_series(1, 9) x'
  expect(await cut(slow, [], { timeoutMs: 300 })).toEqual(['time', 1])
})

test('a statement without an end is given up, also one that lifts its time limit', async () => {
  await using analytics = await startAnswering()
  const words = 'no row came in 300 ms: ask for less, or give it more time'
  const bomb = 'WITH RECURSIVE c(x) AS (VALUES (1::bigint) UNION ALL SELECT x + 1 FROM c) '

  expect(await analytics.refusal(`${bomb} SELECT count(*) FROM c`, [], { timeoutMs: 300 })).toBe(
    words,
  )
  expect(await analytics.refusal('SELECT pg_sleep(100)', [], { timeoutMs: 300 })).toBe(words)
  const lifting = `SELECT x, set_config('statement_timeout', '0', false),
    set_config('client_connection_check_interval', '0', false),
    CASE WHEN x > 20 THEN pg_sleep(100) END
    FROM generate_series(1, 40) x`
  expect(await analytics.ask(lifting, [], { timeoutMs: 500 })).toMatchObject({ cut: 'time' })
  await until(async () => {
    const client = new Client({ connectionString: analytics.url })
    await client.connect()
    const { rows } = await client.query(
      "SELECT FROM pg_stat_activity WHERE usename = 'corroport_reader'",
    )
    await client.end()
    return rows.length === 0
  })
  expect((await analytics.ask('SELECT 1')).rows).toEqual([[1]])
})

test('of more queries than two at once the others are told to come again', async () => {
  await using analytics = await startAnswering()
  const sleeping = Array.from({ length: mostAtOnce + 1 }, () =>
    analytics.refusal('SELECT pg_sleep(0.3)'),
  )

  expect((await Promise.all(sleeping)).toSorted()).toEqual([
    `${mostAtOnce} queries run already: try again later`,
    'not refused: [[""]]',
    'not refused: [[""]]',
  ])
})

test('nothing is left of a query: no setting, no lock', async () => {
  await using analytics = await startAnswering()
  const lock = 'SELECT pg_try_advisory_lock(8081601)'

  const locked = [await analytics.ask(lock), await analytics.ask(lock)]
  await analytics.ask("SELECT set_config('search_path', 'pg_catalog', false)")
  const found = await analytics.ask('SELECT count(*) FROM experiment')

  expect(locked.map(({ rows }) => rows)).toEqual([[['true']], [['true']]])
  expect(found.rows).toEqual([[0]])
})

test('what can be queried is told, with its keys', async () => {
  await using analytics = await startAnswering()

  const { relations } = await analytics.bus.request(analyticsRelationsQueried, {}, {})

  const names = relations.map(({ name }) => name)
  expect(names).toContain('experiment')
  expect(names).not.toContain('import_row')
  expect(names).not.toContain('sent_default')
  expect(relations.find(({ name }) => name === 'ledger')?.columns.slice(0, 3)).toEqual([
    { name: 'stream', type: 'text', is_key: true },
    { name: 'incarnation', type: 'text', is_key: true },
    { name: 'last_sequence', type: 'bigint', is_key: false },
  ])
})

test('a role that may not make roles is told which setting helps, and that setting helps', async () => {
  const { postgres, bus } = servers()
  await using made = await createDatabase(postgres)
  const client = new Client({ connectionString: made.url })
  await client.connect()
  await client.query(`CREATE ROLE poor LOGIN; CREATE ROLE given LOGIN;
    GRANT SELECT ON experiment TO given`)
  await client.end()
  const as = (name: string) => {
    const url = new URL(made.url)
    url.username = name
    return url.href
  }
  await using poor = openDatabase({ url: as('poor'), log: quiet, name: 'poor' })
  const { ask, refusal } = askers(bus)
  const answering = (readerUrl?: string) =>
    answerQueries({ bus, db: poor.db, databaseUrl: as('poor'), readerUrl })

  {
    await using _answers = answering()
    await until(async () => !(await refusal('SELECT 1')).includes('nobody'))
    expect(await refusal('SELECT 1')).toMatch(
      /^the role of DATABASE_URL may not make corroport_reader \(permission denied.*\): set DATABASE_READER_URL to a role that may only select$/,
    )
  }
  {
    await using _answers = answering(as('given'))
    await until(async () => !(await refusal('SELECT 1')).includes('nobody'))
    expect((await ask('SELECT count(*) FROM experiment')).rows).toEqual([[0]])
    expect(await refusal('SELECT count(*) FROM sent')).toContain('permission denied')
  }
  await using _answers = answering(as('postgres'))
  await until(async () => !(await refusal('SELECT 1')).includes('nobody'))
  expect(await refusal('SELECT 1')).toBe('the role of DATABASE_READER_URL is a superuser')
})

test('a Postgres that hangs or is gone is said in time, and found again', async () => {
  await using analytics = await startAnswering()
  const { postgres } = servers()
  await analytics.ask('SELECT 1')

  await stopProcess(postgres.pid)
  const hung = await analytics.refusal('SELECT 1')
  process.kill(postgres.pid, 'SIGCONT')
  await postgres.stop()
  const gone = await analytics.refusal('SELECT 1')
  await postgres.start()

  expect(hung).toMatch(/^postgres does not answer: /)
  expect(gone).toMatch(/^postgres does not answer: .*ECONNREFUSED/)
  expect((await analytics.ask('SELECT 1')).rows).toEqual([[1]])
})

const ofAnalytics = queryPresets.filter(({ source }) => source === 'analytics')

test.each(ofAnalytics.map((preset) => [preset.id, preset] as const))(
  'the preset %s runs',
  async (_, { sql, parameters }) => {
    await using analytics = await startAnswering()
    const params: QueryParameters = Object.fromEntries(
      parameters.map((parameter) => [parameter.name, parameter.default]),
    )

    const { columns } = await analytics.ask(sql, params)

    expect(columns.length).toBeGreaterThan(0)
  },
)

test('before the tables are there, the migrations are asked for', async () => {
  const { postgres, bus } = servers()
  await using made = await createDatabase(postgres)
  await made.db.schema.createSchema('empty').execute()
  const url = new URL(made.url)
  url.searchParams.set('options', '-c search_path=empty')
  await using empty = openDatabase({ url: url.href, log: quiet, name: 'empty' })
  await using _answers = answerQueries({
    bus,
    db: empty.db,
    databaseUrl: url.href,
    readerUrl: undefined,
  })
  const { refusal } = askers(bus)
  await until(async () => !(await refusal('SELECT 1')).includes('nobody'))

  expect(await refusal('SELECT 1')).toBe('migrations are missing: run corroport analytics migrate')
})
