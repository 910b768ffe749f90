import type {
  AgentInspectionReply,
  DeadLetter,
  MessageLifeReply,
  RecordsReply,
  RoundTripsReply,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { messageDetail, nodeReply, reception, timestamp } from './answers.ts'
import { corroport } from './corroport.ts'
import { problem, startGateway } from './gateway.ts'

const by = { node_id: 'node1', timestamp }

const letter: DeadLetter = {
  sequence: 12,
  service: 'ack-sender',
  durable: 'ack-sender_node2',
  stream: 'CHANGES',
  subject: 'corro.change.observed.node2',
  reason: 'payload is not JSON',
  deliveries: 1,
  dead_at: timestamp,
  size_bytes: 8,
  is_whole: true,
  payload: null,
  text: 'not JSON',
}

test('records are a table, and it is said when there are more', async () => {
  const reply: RecordsReply = {
    records: [
      {
        stream: 'RECORDS',
        sequence: 7,
        stored_at: timestamp,
        subject: 'corro.ack.sent.node1',
        violation: 'the payload is no JSON',
        payload: '{"broken',
      },
    ],
    count: 1,
    is_cut: true,
    ...by,
  }
  await using gateway = await startGateway({ 'GET /api/records': reply })

  const ended = await corroport([
    'records',
    'corro.ack.>',
    'corro.audit.>',
    '--since',
    '2026-01-15T09:00:00Z',
    '--limit',
    '1',
    '--url',
    gateway.url,
  ])

  expect(ended).toEqual({
    code: 0,
    stdout: `STORED                       SUBJECT               VIOLATION               PAYLOAD
2026-01-15T10:00:00.123456Z  corro.ack.sent.node1  the payload is no JSON  {"broken
`,
    stderr: 'the newest 1; --limit and --until show more\n',
  })
  expect(gateway.asked[0]?.line).toBe(
    'GET /api/records?subjects=corro.ack.%3E%2Ccorro.audit.%3E&since=2026-01-15T09%3A00%3A00Z&limit=1',
  )
})

test('dead letters are a table, with the way to older ones', async () => {
  const reply = { letters: [letter], total: 3, next: 12, ...by }
  await using gateway = await startGateway({ 'GET /api/dead': reply })

  const ended = await corroport(['dead', 'list', '--before', '20', '--url', gateway.url])

  expect(ended.stdout).toContain('12      2026-01-15T10:00:00.123456Z  ack-sender_node2')
  expect(ended.stderr).toBe('older: --before 12\n')
  expect(gateway.asked[0]?.line).toBe('GET /api/dead?limit=50&before=20')
})

test('a letter is shown, redriven, and thrown away', async () => {
  await using gateway = await startGateway({
    'GET /api/dead/12': { letter, ...by },
    'POST /api/dead/12/redrive': {
      status: 'success',
      subject: letter.subject,
      stored_as: { stream: 'CHANGES', sequence: 99 },
      ...by,
    },
    'DELETE /api/dead/12': { status: 'success', ...by },
    'POST /api/dead/13/redrive': problem(404, 'there is no dead letter 13'),
  })
  const dead = (...args: string[]) => corroport(['dead', ...args, '--url', gateway.url])

  expect((await dead('show', '12')).stdout).toBe(`corro.change.observed.node2
refused 2026-01-15T10:00:00.123456Z by ack-sender_node2, try 1
payload is not JSON
not JSON
`)
  expect((await dead('redrive', '12')).stdout).toBe(
    'corro.change.observed.node2 is told again: CHANGES 99\n',
  )
  expect((await dead('delete', '12')).stdout).toBe('letter 12 is gone\n')
  expect(await dead('redrive', '13')).toMatchObject({
    code: 1,
    stderr: 'corroport: there is no dead letter 13\n',
  })
  expect((await dead('redrive', 'first')).code).toBe(2)
})

test('any node is shown through another one', async () => {
  const inspection: AgentInspectionReply = {
    inspected_node_id: 'node2',
    files: [
      {
        role: 'config',
        path: '/etc/agent.toml',
        exists: true,
        size_bytes: 300,
        modified_at: timestamp,
        mode: '-rw-r-----',
        error: null,
      },
    ],
    subscriptions: null,
    subscriptions_error: 'no admin socket is known',
    ...by,
  }
  await using gateway = await startGateway({
    'GET /api/nodes/node2': nodeReply({ node_id: 'node2' }),
    'GET /api/nodes/node2/agent': inspection,
    'GET /api/nodes/node2/diagnose': {
      steps: [{ step: 'agent', ok: false, detail: 'refused' }],
      ...by,
    },
  })
  const node = (...args: string[]) => corroport(['node', ...args, 'node2', '--url', gateway.url])

  expect((await node('show')).stdout).toMatch(/^node2 +STATE +DETAIL\nagent /)
  expect(await node('agent')).toMatchObject({
    code: 4,
    stdout: `FILE    MODE        BYTES  MODIFIED                     PATH
config  -rw-r-----  300    2026-01-15T10:00:00.123456Z  /etc/agent.toml

no admin socket is known
`,
  })
  expect(await node('diagnose')).toMatchObject({
    code: 4,
    stdout: expect.stringContaining('node2: 1 of 1 steps fail'),
  })
})

test('round trips are a table, slowest first, and who is silent is said', async () => {
  const reply: RoundTripsReply = {
    nodes: [
      { node_id: 'node1', region: null, age_ms: 5, error: null },
      { node_id: 'node2', region: null, age_ms: 5, error: null },
      { node_id: 'node3', region: null, age_ms: null, error: 'it has not said what it sees' },
    ],
    rtt_ms: [
      [null, 1, null],
      [3, null, null],
      [null, null, null],
    ],
    samples: [
      [0, 3, 0],
      [20, 0, 0],
      [0, 0, 0],
    ],
    not_alive: [{ from: 'node2', state: 'down', to: ['node1'] }],
    mean_ms: 2,
    deviation_ms: 1,
    ...by,
  }
  await using gateway = await startGateway({ 'GET /api/cluster/round-trips': reply })

  const ended = await corroport(['cluster', 'rtt', '--url', gateway.url])

  expect(ended).toEqual({
    code: 4,
    stdout: `FROM   TO     ROUND TRIP  DEVIATION  SAMPLES  STATE
node2  node1  3.00 ms     1.0        20       down
node1  node2  1.00 ms     -1.0       3        alive
node1  node3  -                      0        alive
node2  node3  -                      0        alive
node3  node1  -                      0        not known
node3  node2  -                      0        not known
mean 2.00 ms
`,
    stderr: 'node3: it has not said what it sees\n',
  })
})

test('the life of a message has a line for each node', async () => {
  const { timestamp: _, ...message } = messageDetail(['node2'])
  const none = {
    reception: null,
    acknowledged_at: null,
    round_trip_ms: null,
    waiting_ms: null,
    error: null,
  }
  const life: MessageLifeReply = {
    message,
    message_error: null,
    nodes: [
      { ...none, node_id: 'node1', is_origin: true, is_expected: false, row: 'present' },
      {
        ...none,
        node_id: 'node2',
        is_origin: false,
        is_expected: true,
        row: 'present',
        reception: reception(),
        acknowledged_at: timestamp,
        round_trip_ms: 4.25,
      },
      {
        ...none,
        node_id: 'node3',
        is_origin: false,
        is_expected: true,
        row: 'unknown',
        waiting_ms: 2000,
        error: 'row: not heard on NATS',
      },
    ],
    ...by,
  }
  await using gateway = await startGateway({ 'GET /api/messages/node1_01A/life': life })

  const ended = await corroport(['messages', 'life', 'node1_01A', '--url', gateway.url])

  expect(ended).toEqual({
    code: 3,
    stdout: `node1_01A
accepted, gossip, by node1, sent 2026-01-15T10:00:00.123456Z
NODE     ROW      SEEN                         VIA      TIMES  ACKNOWLEDGED   NOTE
node1 *  present
node2    present  2026-01-15T10:00:00.123456Z  updates  1      after 4.25 ms
node3    unknown                                               missing 2.0 s  row: not heard on NATS
`,
    stderr: '',
  })
})
