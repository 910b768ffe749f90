import type { QueryReply } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { timestamp } from './answers.ts'
import { corroport } from './corroport.ts'
import { problem, startGateway } from './gateway.ts'

const freshness = { takenAt: timestamp, actorId: null, neededVersions: 0, queueSize: 2 }

function result(nodeId: string, rows: (string | null)[][]): QueryReply['results'][number] {
  const table = { columns: ['pk', 'message'], rows, cut: null, tookMs: 1.5 }
  return { node_id: nodeId, table, freshness, error: null }
}

function reply(change: Partial<QueryReply>): QueryReply {
  return {
    source: 'corrosion',
    results: [result('node1', [['a', null]])],
    comparison: null,
    comparison_error: null,
    limits: { max_rows: 1000, timeout_ms: 1000 },
    node_id: 'node1',
    timestamp,
    ...change,
  }
}

const route = 'POST /api/query'

test('rows are a table; their number, time and freshness follow', async () => {
  await using gateway = await startGateway({ [route]: reply({}) })
  const params = ['n=5', 'big=9223372036854775807', 'x=1.5', 'none=null', 'text="5"', 'plain=a=b']

  const ended = await corroport([
    'query',
    'SELECT 1',
    ...params.flatMap((each) => ['--param', each]),
    ...'--nodes node1,node2 --key pk,message --max-rows 5 --timeout 50ms --url'.split(' '),
    gateway.url,
  ])

  expect(ended).toEqual({
    code: 0,
    stdout: `pk  message
a   NULL

node1: 1 row in 1.5 ms, 0 versions missing, 2 changes waiting
`,
    stderr: '',
  })
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    sql: 'SELECT 1',
    params: {
      n: 5,
      big: { $integer: '9223372036854775807' },
      x: 1.5,
      none: null,
      text: '5',
      plain: 'a=b',
    },
    source: 'corrosion',
    nodes: ['node1', 'node2'],
    key: ['pk', 'message'],
    max_rows: 5,
    timeout_ms: 50,
  })
})

test('what differs is shown cell by cell, and what was cut or did not answer is said', async () => {
  const [first, second] = [result('node1', [['a', 'x']]), result('node2', [['a', 'y']])]
  const cells = [
    {
      column: 'message',
      values: [
        { value: 'x', node_ids: ['node1'] },
        { value: { $blob: '3q0=' }, node_ids: ['node2'] },
      ],
    },
  ]
  const different = reply({
    results: [
      first,
      { ...second, table: second.table && { ...second.table, cut: 'rows' } },
      { node_id: 'node3', table: null, freshness: null, error: 'not heard on NATS' },
    ],
    comparison: {
      is_equal: false,
      is_complete: false,
      key: ['pk'],
      equal_rows: 7,
      differing: [
        { key: ['a'], missing_on: [], cells },
        { key: ['b'], missing_on: ['node1'], cells: [] },
      ],
      differing_rows: 300,
    },
  })
  await using gateway = await startGateway({ [route]: different })

  const ended = await corroport(['query', 'SELECT 1', '--nodes', 'all', '--url', gateway.url])

  expect(ended).toEqual({
    code: 4,
    stdout: `pk  COLUMN   ON     VALUE
a   message  node1  x
a   message  node2  x'dead'
b            node1  no such row

node1: 1 row in 1.5 ms, 0 versions missing, 2 changes waiting
node2: 1 row in 1.5 ms, 0 versions missing, 2 changes waiting; there are more: cut after --max-rows 1000
node3: not heard on NATS
7 rows are the same on all that answered, 300 differ, told apart by pk; the first 2 are shown; a limit cut rows, which may differ too; 1 did not answer
`,
    stderr: '',
  })
})

test('a preset brings its statement, its source and its defaults', async () => {
  await using gateway = await startGateway({ [route]: reply({}) })
  const run = (...args: string[]) => corroport(['query', ...args, '--url', gateway.url])

  const list = await run('--presets')
  await run('--preset', 'active_regions')
  await run('--preset', 'slowest_pairs', '--param', 'experiments=3')
  const missing = await run('--preset', 'messages_by_region')
  const wrong = await run('--preset', 'active_regions', '--param', 'minutes_ago=0')
  const both = await run('SELECT 1', '--preset', 'nodes')

  expect(list.stdout).toMatch(/^active_regions +corrosion +minutes_ago=60 +Regions that sent/m)
  expect(gateway.asked.map(({ body }) => JSON.parse(body))).toMatchObject([
    { source: 'corrosion', params: { minutes_ago: 60 } },
    { source: 'analytics', params: { experiments: 3 } },
  ])
  expect([missing, wrong, both].map(({ code, stderr }) => [code, stderr])).toEqual([
    [2, 'corroport: --param region=… is missing: such as local or fra\n'],
    [2, 'corroport: --param minutes_ago=… must be a whole number, at least 1\n'],
    [2, 'corroport: a preset has its own statement: give one of the two\n'],
  ])
})

test('CSV and refusals are passed on as they came', async () => {
  await using gateway = await startGateway({
    [route]: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/csv', 'corroport-cut': 'rows' })
        response.end('pk\r\n"\'=1\n\u001b"\r\n')
      },
      problem(422, 'no such table: x'),
    ],
  })

  const csv = await corroport(['query', '--csv', '--url', gateway.url], { input: 'SELECT 1\n' })
  const refused = await corroport(['query', 'SELECT * FROM x', '--url', gateway.url])
  const nothing = await corroport(['query', '--url', gateway.url])

  expect(csv).toEqual({
    code: 0,
    stdout: 'pk\r\n"\'=1\n\u001b"\r\n',
    stderr: 'there are more rows: cut by rows\n',
  })
  expect(gateway.asked[0]?.headers.accept).toBe('text/csv')
  expect([refused.code, refused.stderr]).toEqual([1, 'corroport: no such table: x\n'])
  expect([nothing.code, nothing.stderr]).toEqual([
    2,
    'corroport: there is no statement: give one, or --preset; --presets lists them\n',
  ])
})
