import type { Disagreement } from '@corroport/contracts'
import { freePort } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  clusterMember,
  clusterStatus,
  convergenceReply,
  divergedReply,
  membersReply,
} from './cluster-answers.ts'
import { corroport } from './corroport.ts'
import { restartReplies } from './fixture.ts'
import { problem, startGateway } from './gateway.ts'

const statusRoute = 'GET /api/cluster/status'
const membersRoute = 'GET /api/cluster/members'
const convergenceRoute = 'GET /api/cluster/convergence'

const partition: Disagreement = {
  node_id: 'node3',
  actor_id: null,
  kind: 'link-partitioned',
  detail: 'no canary came for 8.0 s while NATS hears it',
}

test('the planes are shown with their ages', async () => {
  await using gateway = await startGateway({ [statusRoute]: clusterStatus() })

  const ended = await corroport(['cluster', 'status', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `ok as node1 sees it (active, iad, 0.1.0)

PLANE      STATE  AGE         DETAIL
corrosion  ok     900 ms ago  agent reachable, 3 of 3 alive (admin-socket, 300 ms ago), gaps 0, needs 0, queue 0, p99 lag 12.00 ms
nats       ok     900 ms ago  connected to nats1, round trip 0.40 ms, 2 of 2 routes, meta leader nats1, JetStream writable, 0 events wait
postgres   none   -           not configured

TABLE          SUBSCRIPTION  SINCE
node_messages  live          2026-01-15T10:00:00.123456Z

STREAM  REPLICAS  CURRENT  LEADER  LAG  MESSAGES
ACKS    3 of 3    3        nats1   0    42

DATASET    COPIES  WANTED  AT RISK
corrosion  3       3       no

NODE   CORROSION  NATS     STATE   HEARD
node2  alive      present  active  400 ms ago
`,
    stderr: '',
  })
})

test.each([
  ['degraded', 1],
  ['unavailable', 2],
] as const)('a cluster that is %s has the exit code %i', async (overall, code) => {
  const status = clusterStatus({ overall, disagreements: [partition] })
  await using gateway = await startGateway({ [statusRoute]: status })

  const ended = await corroport(['cluster', 'status', '--url', gateway.url])
  const json = await corroport(['cluster', 'status', '--json', '--url', gateway.url])

  expect([ended.code, json.code]).toEqual([code, code])
  expect(ended.stdout.split('\n')[0]).toBe(
    'node3: no canary came for 8.0 s while NATS hears it (link-partitioned)',
  )
  expect(JSON.parse(json.stdout)).toEqual(status)
})

test('a node that is not reached has an exit code of its own', async () => {
  const url = `http://127.0.0.1:${await freePort()}`

  const ended = await corroport(['cluster', 'status', '--url', url])

  expect(ended.code).toBe(3)
  expect(ended.stderr).toContain(`no gateway reached at ${url}`)
})

test('waiting ends when all is well, or with what is not', async () => {
  const { planes } = clusterStatus()
  const nats = { ...planes.nats, state: 'unavailable', error: 'not connected' } as const
  const ill = clusterStatus({ overall: 'degraded', planes: { ...planes, nats } })
  await using well = await startGateway({
    [statusRoute]: [ill, (response) => void response.destroy(), clusterStatus()],
  })
  await using sick = await startGateway({ [statusRoute]: ill })
  const wait = ['--timeout', '1s', '--url', sick.url]

  const status = await corroport(['cluster', 'status', '--wait', 'ready', '--url', well.url])
  const last = await corroport(['cluster', 'status', '--wait', 'ready', ...wait])
  const ready = await corroport(['cluster', 'wait', 'ready', '--url', well.url])
  const late = await corroport(['cluster', 'wait', 'ready', ...wait])

  expect(status).toMatchObject({ code: 0, stderr: '' })
  expect(last).toMatchObject({ code: 1, stderr: '' })
  expect(ready.stdout).toBe('node1 is ready\n')
  expect(late.code).toBe(1)
  expect(late.stderr).toBe(
    'corroport: node1 is degraded after 1 s\n  nats is unavailable: not connected\n',
  )
})

test('a node that leaves is waited for', async () => {
  const leaving = (state: 'draining' | 'left') =>
    membersReply([clusterMember(1), clusterMember(3, { state })])
  await using gateway = await startGateway({
    [membersRoute]: [leaving('draining'), leaving('left')],
  })
  const environment = { CORROPORT_URL: gateway.url }

  const left = await corroport(['cluster', 'wait', 'left', 'node3'], { environment })
  const unknown = await corroport(['cluster', 'wait', 'left', 'node9'], { environment })
  const staying = await corroport(['cluster', 'wait', 'left', '--timeout', '1s'], { environment })

  expect(left).toEqual({ code: 0, stdout: 'node3 has left\n', stderr: '' })
  expect(unknown).toMatchObject({ code: 1, stderr: 'corroport: node9 is not among the members\n' })
  expect(staying).toMatchObject({ code: 1, stderr: 'corroport: node1 is active after 1 s\n' })
})

test('members are a table', async () => {
  const members = [clusterMember(1), clusterMember(2)]
  await using gateway = await startGateway({ [membersRoute]: membersReply(members) })

  const ended = await corroport(['cluster', 'members', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `NODE     STATE   REGION  NATS     AGENT  SWIM   LINK  CANARY     RTT      SYNC       GOSSIP
node1 *  active  iad     present  ready  self   -     -          -        -          127.0.0.1:8787
node2    active  iad     present  ready  alive  ok    1.2 s ago  0.41 ms  2.0 s ago  127.0.0.1:8788

declared  3 by static
swim      2 by admin-socket, 300 ms ago
nats      3 heard
`,
    stderr: '',
  })
})

test('members that disagree come first and set the exit code', async () => {
  const { swim, link } = clusterMember(3)
  const cut = clusterMember(3, {
    swim: { ...swim, state: 'suspect' },
    link: { ...link, state: 'partitioned?', canary_age_ms: 8000 },
    is_agreed: false,
  })
  const stranger = clusterMember(2, {
    node_id: null,
    state: null,
    nats: { presence: 'lost', age_ms: 5000 },
    is_agreed: false,
  })
  await using gateway = await startGateway({
    [membersRoute]: membersReply([clusterMember(1), stranger, cut], [partition]),
  })

  const ended = await corroport(['cluster', 'members', '--url', gateway.url])

  expect(ended.code).toBe(4)
  const lines = ended.stdout.split('\n')
  expect(lines[0]).toBe('node3: no canary came for 8.0 s while NATS hears it (link-partitioned)')
  expect(lines.slice(2, 5).map((line) => line.split(/ {2,}/).slice(0, 7).join(' | '))).toEqual([
    '22222222 | - | iad | lost 5.0 s ago | ready | alive | ok',
    'node3 | active | iad | present | ready | suspect | partitioned?',
    'node1 * | active | iad | present | ready | self | -',
  ])
})

test('nodes with the same rows are converged, and what was not compared is said', async () => {
  await using gateway = await startGateway({ [convergenceRoute]: convergenceReply() })
  const environment = { CORROPORT_URL: gateway.url }

  const shown = await corroport(['cluster', 'convergence'], { environment })
  const awaited = await corroport(['cluster', 'wait', 'converged'], { environment })
  await corroport(['cluster', 'convergence', '--tables', 'a,b'], { environment })

  expect(shown).toEqual({
    code: 0,
    stdout: `TABLE          ROWS  DIGEST        NODES
node_messages  12    abababababab  node1, node2, node3

left out  node_canaries
`,
    stderr: '',
  })
  expect(awaited).toEqual({ code: 0, stdout: '3 nodes have the same rows\n', stderr: '' })
  expect(gateway.asked.at(-1)?.line).toBe('GET /api/cluster/convergence?tables=a%2Cb')
})

test('what differs, and who did not answer, is named and sets the exit code', async () => {
  await using gateway = await startGateway({ [convergenceRoute]: divergedReply() })
  const environment = { CORROPORT_URL: gateway.url }
  const found = [
    'node4 did not answer: not heard on NATS for 9.0 s',
    'node_messages differs: node1, node2 (abababababab, rows 12); node3 (cdcdcdcdcdcd, rows 11)',
  ]

  const shown = await corroport(['cluster', 'convergence'], { environment })
  const json = await corroport(['cluster', 'convergence', '--json'], { environment })
  const late = await corroport(['cluster', 'wait', 'converged', '--timeout', '1s'], { environment })

  expect([shown.code, json.code, late.code]).toEqual([4, 4, 1])
  expect(shown.stdout.split('\n').slice(0, 2)).toEqual(found)
  expect(JSON.parse(json.stdout)).toEqual(divergedReply())
  expect(late.stderr).toBe(
    `corroport: not converged after 1 s\n${found.map((line) => `  ${line}\n`).join('')}`,
  )
})

test.each([
  ['join a:1 [::1]:2 --timeout 45s', { seeds: ['a:1', '[::1]:2'], timeout_ms: 45_000 }],
  ['leave --confirm node3', { confirm: 'node3' }],
  ['remove node3 --confirm node3', { node_id: 'node3', confirm: 'node3', force: false }],
  ['remove node3 --confirm node3 --force', { node_id: 'node3', confirm: 'node3', force: true }],
  ['wipe --confirm node3', { confirm: 'node3' }],
])('cluster %s begins an operation and follows it', async (line, body) => {
  const words = line.split(' ')
  const { begun, ended } = restartReplies()
  await using gateway = await startGateway({
    [`POST /api/cluster/${words[0]}`]: begun,
    [`GET /api/cluster/operations/${ended.operation.id}`]: [begun, ended],
  })

  const told = await corroport(['cluster', ...words, '--url', gateway.url])

  expect(told).toMatchObject({ code: 0, stderr: '' })
  expect(told.stdout).toContain('succeeded in 6.2 s\n')
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual(body)
})

test.each(['leave', 'remove node3', 'wipe'])('cluster %s needs the id typed', async (line) => {
  await using gateway = await startGateway({})

  const ended = await corroport(['cluster', ...line.split(' '), '--url', gateway.url])

  expect(ended.code).toBe(2)
  expect(ended.stderr).toContain("required option '--confirm <node-id>' not specified")
  expect(gateway.asked).toEqual([])
})

test('a leave that would lose the last member is refused with the reasons', async () => {
  await using gateway = await startGateway({
    'POST /api/cluster/leave': problem(409, 'node1 is the last member', ['node2 is lost']),
  })

  const ended = await corroport(['cluster', 'leave', '--confirm', 'node1', '--url', gateway.url])

  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: 'corroport: node1 is the last member\n  node2 is lost\n',
  })
})

test('operations are a table, and one is shown with its steps', async () => {
  const { ended } = restartReplies({ state: 'failed', reason: 'no subscription' })
  const { id } = ended.operation
  await using gateway = await startGateway({
    'GET /api/cluster/operations': { ...ended, operations: [ended.operation] },
    [`GET /api/cluster/operations/${id}`]: ended,
  })
  const environment = { CORROPORT_URL: gateway.url }

  const list = await corroport(['cluster', 'operations', '--of', 'node2'], { environment })
  const one = await corroport(['cluster', 'operations', id], { environment })

  expect(list.stdout.split('\n')[1]).toBe(
    `2026-01-15T10:05:00.204119Z  ${id}  restart  failed  6.2 s  operator  no subscription`,
  )
  expect(one.stdout.split('\n').slice(0, 2)).toEqual([
    'restart of node2 failed: no subscription, by operator, at 2026-01-15T10:05:00.204119Z',
    '  done     stop                6.0 s',
  ])
  expect(gateway.asked[0]?.line).toBe('GET /api/cluster/operations?node=node2')
})
