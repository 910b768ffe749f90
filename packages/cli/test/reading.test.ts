import { expect, test } from '@jest/globals'
import { messageDetail, nodeReply, nodeSummary, reception, timestamp } from './answers.ts'
import { corroport } from './corroport.ts'
import { startGateway } from './gateway.ts'

const list = { count: 1, node_id: 'node1', timestamp }

function summary(message: string): object {
  return {
    pk: 'node2_01B',
    node_id: 'node2',
    message,
    sequence: 1,
    timestamp,
    originating_endpoint: '127.0.0.1:5002',
    region: 'fra',
  }
}

test('messages are a table, with the way to older ones', async () => {
  await using gateway = await startGateway({
    'GET /api/messages': { ...list, messages: [summary('hi\u001b[2J')], next: 'c1' },
  })

  const ended = await corroport(
    'messages --by node2 --region fra --since 2026-01-15T09:00:00Z --until 2026-01-15T11:00:00Z --before c0 --limit 1'.split(
      ' ',
    ),
    { environment: { CORROPORT_URL: gateway.url } },
  )

  expect(ended).toEqual({
    code: 0,
    stdout: `TIME                         FROM   REGION  KEY        MESSAGE
2026-01-15T10:00:00.123456Z  node2  fra     node2_01B  hi\\u001b[2J
`,
    stderr: 'older: --before c1\n',
  })
  expect(gateway.asked[0]?.line).toBe(
    'GET /api/messages?limit=1&node=node2&region=fra&since=2026-01-15T09%3A00%3A00Z&until=2026-01-15T11%3A00%3A00Z&before=c0',
  )
})

test('one message shows who is missing first', async () => {
  await using gateway = await startGateway({
    'GET /api/messages/a%2Fb': messageDetail(['node2'], {
      expected: [
        { node_id: 'node2', was_present: true },
        { node_id: 'node3', was_present: false },
      ],
    }),
  })

  const ended = await corroport(['message', 'a/b', '--url', gateway.url])

  expect(ended).toEqual({
    code: 3,
    stdout: `node1_01A
accepted, gossip, by node1
sent 2026-01-15T10:00:00.123456Z, accepted 2026-01-15T10:00:00.123456Z
NODE   ROUND TRIP  VIA      ATTEMPTS  ACKNOWLEDGED                 NOTE
node3  missing                                                     was not announced when it was sent
node2  4.25 ms     updates  1         2026-01-15T10:00:00.123456Z
`,
    stderr: '',
  })
})

test('receptions are a table', async () => {
  await using gateway = await startGateway({
    'GET /api/receptions': {
      ...list,
      receptions: [reception({ acknowledgement: 'owed', reception_count: 3 })],
      total: 5,
    },
  })

  const ended = await corroport(['receptions', '--min', '2', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `KEY        FROM   COUNT  VIA      FIRST SEEN                   LAST SEEN                    ACKNOWLEDGEMENT
node1_01A  node1  3      updates  2026-01-15T10:00:00.123456Z  2026-01-15T10:00:00.123456Z  owed
`,
    stderr: '1 of 5\n',
  })
  expect(gateway.asked[0]?.line).toBe('GET /api/receptions?min=2&limit=100')
})

test('a cluster that is well has the exit code 0', async () => {
  await using gateway = await startGateway({
    'GET /api/nodes': { ...list, nodes: [nodeSummary(1), nodeSummary(2)] },
    'GET /api/node': nodeReply(),
  })

  const ended = await corroport(['status', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `NODE     PRESENCE  AGENT  REGION  API             PEER            HEARD       ACTOR     VERSION
node1 *  present   ready  iad     127.0.0.1:4001  127.0.0.1:5001  400 ms ago  11111111  0.1.0
node2    present   ready  iad     127.0.0.1:4002  127.0.0.1:5002  400 ms ago  22222222  0.1.0

node1 *              STATE  DETAIL
agent                ready  http://127.0.0.1:8081 in 0.50 ms
table node_messages  live   2 rows, since 2026-01-15T10:00:00.123456Z
nats                 ok
tracker                     2 messages
`,
    stderr: '',
  })
})

test('what is down comes first and sets the exit code', async () => {
  await using gateway = await startGateway({
    'GET /api/nodes': {
      ...list,
      nodes: [nodeSummary(1), nodeSummary(2), nodeSummary(3, { presence: 'lost', age_ms: 5000 })],
    },
    'GET /api/node': nodeReply({ checks: [{ name: 'nats', ok: false, detail: 'not connected' }] }),
  })
  const environment = { CORROPORT_URL: gateway.url }

  const ended = await corroport(['status'], { environment })
  const json = await corroport(['status', '--json'], { environment })

  const lines = ended.stdout.split('\n')
  expect(lines.slice(0, 2)).toEqual([
    'node3: lost: it announces itself no more',
    'node1: nats: not connected',
  ])
  expect(lines.slice(3, 6).map((line) => line.split(' ')[0])).toEqual(['node1', 'node3', 'node2'])
  expect([ended.code, json.code]).toEqual([4, 4])
  expect(JSON.parse(json.stdout).node).toEqual(
    nodeReply({ checks: [{ name: 'nats', ok: false, detail: 'not connected' }] }),
  )
})

test('a diagnosis says which step fails', async () => {
  const steps = [
    { step: 'agent', ok: true, detail: 'http://127.0.0.1:8081', durationMs: 0.5 },
    { step: 'endpoint of node3', ok: false, detail: 'connection refused' },
  ]
  await using gateway = await startGateway({
    'GET /api/diagnose': { node_id: 'node1', steps, timestamp },
  })

  const ended = await corroport(['acks', 'diagnose', '--url', gateway.url])

  expect(ended).toEqual({
    code: 4,
    stdout: `      STEP               TOOK     DETAIL
ok    agent              0.50 ms  http://127.0.0.1:8081
FAIL  endpoint of node3           connection refused
node1: 1 of 2 steps fail
`,
    stderr: '',
  })
})

test('tracking is reset only when meant', async () => {
  const reply = { status: 'success', forgotten: 7, node_id: 'node1', timestamp }
  await using gateway = await startGateway({ 'POST /api/tracking/reset': reply })
  const reset = ['tracking', 'reset', '--url', gateway.url]

  const unasked = await corroport(reset)
  expect(unasked).toEqual({
    code: 2,
    stdout: '',
    stderr: 'corroport: nobody can be asked here: add --yes\n',
  })
  expect(gateway.asked).toEqual([])

  const meant = await corroport([...reset, '--yes'])
  expect(meant).toEqual({ code: 0, stdout: 'node1 forgot 7 messages\n', stderr: '' })
})
