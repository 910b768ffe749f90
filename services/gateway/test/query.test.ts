import { RefusalError } from '@corroport/bus'
import {
  analyticsTablesQueried,
  createParser,
  nodeAnnounced,
  RelationsReply,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { startCorrosionAgent, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { mostAtOnce } from '../src/query/agent-query.ts'
import { mostOfSeveralNodes } from '../src/routes/query.ts'
import {
  announcementOf,
  configOf,
  detailOf,
  neighboursOfFile,
  newPeer,
  query,
  startNode,
} from './harness.ts'

const near = neighboursOfFile()
const noNats = 'nats://127.0.0.1:1'
const endless = 'WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)'
const bomb = `${endless} SELECT count(*) FROM c`

/** A node without NATS, whose agent is its own. */
async function startAlone() {
  await using starting = new AsyncDisposableStack()
  const agent = starting.use(await startCorrosionAgent())
  const node = starting.use(await startNode(configOf({ NATS_URL: noNats, AGENT_URL: agent.url })))
  return Object.assign(starting.move(), { agent, api: node.api })
}

/** Two nodes on NATS, each with an agent of its own; they do not gossip with each other. */
async function startTwo() {
  await using starting = new AsyncDisposableStack()
  const agent = starting.use(await startCorrosionAgent())
  const peers = ['node1', 'node2'].map(newPeer)
  const one = starting.use(await startNode(near.configOf({ CLUSTER_NODES: 'node1,node2' })))
  const two = starting.use(
    await startNode(near.configOf({ NODE_ID: 'node2', AGENT_URL: agent.url })),
  )
  const announcing = setInterval(() => {
    for (const peer of peers) {
      one.bus.hint(nodeAnnounced, { nodeId: peer.nodeId }, announcementOf(peer))
    }
  }, 200)
  starting.defer(() => clearInterval(announcing))
  await until(async () => {
    const { results } = await query(one.api, { sql: 'SELECT 1', nodes: 'all' })
    return results.every(({ error }) => error === null)
  })
  return Object.assign(starting.move(), { api: one.api, agents: [near.agent, agent] as const, two })
}

test('one node answers while NATS is away, with its freshness; the others are named', async () => {
  await using node = await startAlone()

  const reply = await query(node.api, {
    sql: 'SELECT :text AS a, @big AS b, $none AS b, :blob, :text',
    params: {
      text: 'grün',
      big: { $integer: '9223372036854775807' },
      none: null,
      blob: { $blob: '3q0=' },
    },
  })
  const all = await query(node.api, { sql: 'SELECT 1', nodes: 'all' })
  const other = await node.api.post('/api/query', { sql: 'SELECT 1', nodes: ['node2'] })

  expect(reply).toMatchObject({
    source: 'corrosion',
    results: [
      {
        node_id: 'node1',
        table: {
          columns: ['a', 'b', 'b', ':blob', ':text'],
          rows: [['grün', { $integer: '9223372036854775807' }, null, { $blob: '3q0=' }, 'grün']],
          cut: null,
        },
        freshness: { actorId: expect.stringMatching(/^[0-9a-f]{32}$/), neededVersions: 0 },
        error: null,
      },
    ],
    comparison: null,
    limits: { max_rows: 1000, timeout_ms: 5000 },
    node_id: 'node1',
  })
  expect(all.results.map(({ node_id, error }) => [node_id, error])).toEqual([
    ['node1', null],
    ['node2', 'NATS is away, over which other nodes are asked'],
    ['node3', 'NATS is away, over which other nodes are asked'],
  ])
  expect(other.status).toBe(503)
  expect(other.headers.get('retry-after')).toBe('1')
})

test.each([
  ['INSERT INTO node_messages (pk) VALUES (1)', 'not INSERT'],
  ['BEGIN', 'not BEGIN'],
  ["ATTACH 'x' AS y", 'not ATTACH'],
  ['PRAGMA query_only = 0', 'not PRAGMA'],
  ['SELECT 1; SELECT 2', 'one statement at a time'],
  ['SELECT 1\0', 'NUL'],
  ['SELECT "crsql_finalize"()', 'crsql_finalize() changes'],
  ['WITH a AS (SELECT 1) DELETE FROM node_messages', 'not DELETE'],
  ['SELECT * FROM nowhere', 'no such table: nowhere'],
  ['SELECT a\n  FRO b WHERE', 'near "b": syntax error, line 2, column 7'],
  ["SELECT 'ü', a fro b", 'near "b": syntax error, line 1, column 19'],
  ["SELECT load_extension('x')", 'not authorized'],
  ["SELECT writefile('x', 'y')", 'no such function: writefile'],
  [`SELECT 1 -- ${'x'.repeat(19_000)}\n +`, 'incomplete input'],
])('%s is refused with its reason', async (sql, reason) => {
  await using node = await startNode(near.configOf())

  const answer = await node.api.post('/api/query', { sql })

  expect(detailOf(answer)).toContain(reason)
  expect(answer.status).toBe(422)
  expect(answer.body.errors).toEqual([{ path: 'sql', message: detailOf(answer) }])
})

test.each([
  [
    { sql: 'SELECT :a, :b', params: { b: 1, c: 2 } },
    422,
    'parameter a has no value, parameter c is not',
  ],
  [{ sql: 'SELECT ?', params: [1, 2] }, 422, 'Wrong number of parameters'],
  [{ sql: 'SELECT ?', params: [{ $blob: '*' }] }, 422, 'not base64'],
  [{ sql: 'SELECT ?', params: [{ $integer: '9999999999999999999' }] }, 422, '64 bits'],
  [{ sql: 'SELECT ?', params: [true] }, 400, 'params'],
  [{ sql: 'SELECT ?', params: [{ $integer: '1.5' }] }, 400, 'params'],
  [{ sql: '' }, 400, 'sql is empty'],
  [{ sql: 'x'.repeat(20_001) }, 400, 'sql'],
  [{ sql: 'SELECT 1', max_rows: 0 }, 400, 'max_rows must be from 1 to 10000'],
  [{ sql: 'SELECT 1', timeout_ms: 60_000 }, 400, 'timeout_ms must be from 50 to 10000'],
  [{ sql: 'SELECT 1', limit: 5 }, 400, 'limit is not known'],
  [{ sql: 'SELECT 1', nodes: ['node9'] }, 422, 'there is no node node9: known are node1'],
  [{ sql: 'SELECT 1', nodes: [] }, 400, 'nodes'],
  [{ sql: 'SELECT 1', source: 'analytics', nodes: 'all' }, 422, 'for the source corrosion'],
])('%j is answered with %i', async (request, status, detail) => {
  await using node = await startNode(near.configOf())

  const answer = await node.api.post('/api/query', request)

  expect(detailOf(answer)).toContain(detail)
  expect(answer.status).toBe(status)
})

test('rows, bytes and time are limited, and what cut is said', async () => {
  await using node = await startNode(near.configOf())
  const cut = async (request: object) => {
    const { results } = await query(node.api, request)
    const { table } = results[0] ?? {}
    return [table?.cut, table?.rows.length]
  }
  const million = `${endless} SELECT x FROM c LIMIT 1000000`

  expect(await cut({ sql: `${endless} SELECT x FROM c LIMIT 1000` })).toEqual([null, 1000])
  expect(await cut({ sql: million })).toEqual(['rows', 1000])
  expect(await cut({ sql: million, max_rows: 10_000 })).toEqual(['rows', 10_000])
  expect(await cut({ sql: `${endless} SELECT hex(zeroblob(5000)) FROM c` })).toEqual(['bytes', 69])
  const huge = "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, hex(zeroblob(5000000))"
  expect(await cut({ sql: huge, timeout_ms: 10_000 })).toEqual(['bytes', 1])
  const slow = `${endless} SELECT x FROM c WHERE x = 1 OR x > 1e12`
  expect(await cut({ sql: slow, timeout_ms: 300 })).toEqual(['time', 1])
})

test('a statement without an end is given up, takes a place while it runs, and the agent stays well', async () => {
  await using node = await startAlone()
  // They keep all cores busy: in less time the agent may not even have begun to answer the last one.
  const bombs = Array.from({ length: mostAtOnce }, () =>
    node.api.post('/api/query', { sql: bomb, timeout_ms: 4000 }),
  )

  const exploded = await Promise.all(bombs)
  const further = await node.api.post('/api/query', { sql: 'SELECT 1' })
  const agent = createCorrosionClient({ url: node.agent.url })
  const write = await agent.transact([["INSERT INTO node_canaries (node_id) VALUES ('x')", []]])
  const { rows } = await agent.query('SELECT count(*) FROM node_canaries')
  await agent[Symbol.asyncDispose]()

  expect(write.version).not.toBeNull()
  expect(rows).toEqual([[1]])
  // A development agent has four readers; who waits for one hears nothing of the agent.
  const begun = node.agent.kind === 'development' ? 4 : mostAtOnce
  const statuses = exploded.map(({ status }) => status)
  expect(statuses.filter((status) => status === 422).length).toBe(begun)
  expect(statuses.filter((status) => status === 503).length).toBe(mostAtOnce - begun)
  expect(exploded.map(detailOf)).toContain(
    'no row came in 4000 ms: ask for less, or give it more time',
  )
  // It ends them in time, and so their places are free again.
  if (node.agent.kind === 'development') return
  expect(further.status).toBe(503)
  expect(further.headers.get('retry-after')).toBe('1')
  expect(detailOf(further)).toContain('8 queries run here already')
})

test('rows that are cut stop the work of the agent, so that no place is kept', async () => {
  await using node = await startAlone()

  for (let round = 0; round < 3 * mostAtOnce; round++) {
    await query(node.api, { sql: `${endless} SELECT x FROM c`, max_rows: 1 })
  }

  expect((await query(node.api, { sql: 'SELECT 1' })).results[0]?.error).toBeNull()
})

test('an agent that hangs is given up in time, and one that is gone is named', async () => {
  await using node = await startAlone()

  await node.agent.kill('SIGSTOP')
  const hung = await node.api.post('/api/query', { sql: 'SELECT 1', timeout_ms: 300 })
  await node.agent.kill('SIGKILL')
  const gone = await node.api.post('/api/query', { sql: 'SELECT 1' })

  expect([hung.status, detailOf(hung)]).toEqual([503, 'node1: the agent did not answer in 300 ms'])
  expect(gone.status).toBe(503)
  expect(detailOf(gone)).toContain('node1: the agent does not answer: ')
})

test('several nodes are held against each other, by a key or by one that is found', async () => {
  await using nodes = await startTwo()
  const [first, second] = nodes.agents.map(({ url }) => createCorrosionClient({ url }))
  const insert = (pk: string, message: string) =>
    [['INSERT OR REPLACE INTO node_messages (pk, message) VALUES (?, ?)', [pk, message]]] as const
  await first?.transact(insert('a', 'here'))
  await second?.transact(insert('a', 'there'))
  await second?.transact(insert('b', 'there only'))
  await Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()])
  const sql = "SELECT pk, message FROM node_messages WHERE pk IN ('a', 'b') ORDER BY pk"

  const compared = await query(nodes.api, { sql, nodes: 'all' })
  const byMessage = await query(nodes.api, { sql, nodes: ['node1', 'node2'], key: ['message'] })
  const byNothing = await query(nodes.api, { sql, nodes: 'all', key: ['nothing'] })
  const refused = await nodes.api.post('/api/query', { sql: 'SELECT * FROM x', nodes: 'all' })

  expect(compared.comparison).toEqual({
    is_equal: false,
    is_complete: true,
    key: ['pk'],
    equal_rows: 0,
    differing_rows: 2,
    differing: [
      {
        key: ['a'],
        missing_on: [],
        cells: [
          {
            column: 'message',
            values: [
              { value: 'here', node_ids: ['node1'] },
              { value: 'there', node_ids: ['node2'] },
            ],
          },
        ],
      },
      { key: ['b'], missing_on: ['node1'], cells: [] },
    ],
  })
  expect(byMessage.comparison).toMatchObject({ key: ['message'], differing_rows: 3 })
  expect(byNothing).toMatchObject({
    comparison: null,
    comparison_error: 'there is no column nothing to tell rows apart by',
  })
  expect([refused.status, detailOf(refused)]).toEqual([422, 'no such table: x'])
})

test('a node whose agent hangs is no difference, but nothing is proved without it', async () => {
  await using nodes = await startTwo()
  await nodes.agents[1].kill('SIGSTOP')

  const { results, comparison } = await query(nodes.api, {
    sql: 'SELECT 1',
    nodes: 'all',
    timeout_ms: 300,
  })

  expect(results.map(({ node_id, error }) => [node_id, error])).toEqual([
    ['node1', null],
    ['node2', 'the agent did not answer in 300 ms'],
  ])
  expect(comparison).toBeNull()
})

test('of more queries of several nodes than four at once the others are told to come again', async () => {
  await using nodes = await startTwo()
  await nodes.agents[1].kill('SIGSTOP')
  const hanging = Array.from({ length: mostOfSeveralNodes + 1 }, () =>
    nodes.api.post('/api/query', { sql: 'SELECT 1', nodes: 'all', timeout_ms: 1000 }),
  )

  const answers = await Promise.all(hanging)

  const refused = answers.filter(({ status }) => status !== 200)
  expect(refused.map(({ status }) => status)).toEqual([503])
  expect(refused.map(detailOf)).toEqual([
    '4 queries of several nodes run here already: try again later',
  ])
})

test('one answer is CSV where that is wanted, with nothing that a spreadsheet would run', async () => {
  await using node = await startNode(near.configOf())
  const csv = async (request: object) => {
    const response = await fetch(`${node.api.url}/api/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/csv' },
      body: JSON.stringify(request),
    })
    return [response.status, response.headers.get('corroport-cut'), await response.text()]
  }

  expect(
    await csv({
      sql: `SELECT '=1+1' AS "@a", -5, -9223372036854775807, x'dead', NULL, 'a"b'
        UNION ALL SELECT 1, 2, 3, 4, 5, 6`,
      max_rows: 1,
    }),
  ).toEqual([
    200,
    'rows',
    `'@a,'-5,'-9223372036854775807,x'dead',NULL,"'a""b'"\r\n'=1+1,-5,-9223372036854775807,3q0=,,"a""b"\r\n`,
  ])
  expect((await csv({ sql: 'SELECT 1', nodes: 'all' }))[0]).toBe(406)
})

test('what can be queried is told, the tables of people first', async () => {
  await using node = await startNode(near.configOf())

  const { status, body } = await node.api.get('/api/query/relations')
  const { relations } = createParser('relations', RelationsReply)(body)
  const names = relations.map(({ name }) => name)

  expect(status).toBe(200)
  expect(names.slice(0, 4)).toEqual(['backends', 'node_canaries', 'node_configs', 'node_messages'])
  expect(names).toContain('crsql_changes')
  const canaries = relations.find(({ name }) => name === 'node_canaries')
  expect(canaries?.columns).toEqual([
    { name: 'node_id', type: 'TEXT', is_key: true },
    { name: 'sequence', type: 'INTEGER', is_key: false },
    { name: 'at', type: 'TEXT', is_key: false },
  ])
  expect((await node.api.get('/api/query/relations?source=x')).status).toBe(400)
})

test('analytics is asked over NATS; what it refuses and its silence are told apart', async () => {
  await using node = await startNode(near.configOf())
  const ask = (sql: string) => node.api.post('/api/query', { sql, source: 'analytics' })
  await until(() => node.bus.isConnected)
  const silent = await ask('SELECT 1')
  await using _analytics = node.bus.respond(analyticsTablesQueried, {}, ({ sql, by, params }) => {
    if (sql === 'DROP') throw new RefusalError('invalid', 'not DROP')
    return { table: { columns: [by], rows: [[JSON.stringify(params)]], cut: null, tookMs: 1 } }
  })
  await until(async () => (await ask('SELECT 1')).status === 200)

  const answered = await node.api.post('/api/query', {
    sql: 'SELECT :a::int',
    params: { a: 1 },
    source: 'analytics',
  })
  const refused = await ask('DROP')

  expect([silent.status, detailOf(silent)]).toEqual([
    503,
    'analytics: it does not answer, its /health/ready says what it lacks',
  ])
  expect(answered.body).toMatchObject({
    source: 'analytics',
    results: [{ node_id: null, table: { rows: [['{"a":1}']] }, freshness: null }],
    comparison: null,
  })
  expect([refused.status, detailOf(refused)]).toEqual([422, 'not DROP'])
})
