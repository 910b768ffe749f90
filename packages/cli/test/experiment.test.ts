import { expect, test } from '@jest/globals'
import { nodeSummary } from './answers.ts'
import { corroport, startCorroport } from './corroport.ts'
import {
  answered,
  comparisonReply,
  experimentReply,
  figuresReply,
  id,
  replyOf,
} from './experiment-answers.ts'
import { problem, startGateway } from './gateway.ts'

const create = 'POST /api/experiments'
const one = `GET /api/experiments/${id}`
const figures = `${one}/figures`

test('an experiment is run to its end, and its figures are shown', async () => {
  await using gateway = await startGateway({
    [create]: experimentReply({ status: 'running' }),
    [one]: [
      experimentReply({ status: 'running' }, { sent: 12, acks: 20, expected_acks: 24 }),
      (response) => void response.destroy(),
      experimentReply(),
    ],
    [figures]: figuresReply(),
  })

  const ended = await corroport([
    'experiment',
    'run',
    '--transport',
    'both',
    '--interval',
    '50ms',
    '--url',
    gateway.url,
  ])

  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    name: 'both 200 × 50 ms',
    transport: 'both',
    count: 200,
    interval_ms: 50,
    payload_bytes: 64,
    warmup: 10,
    note: '',
  })
  expect(ended.code).toBe(0)
  expect(ended.stderr).toContain('gossip-baseline  running')
  expect(ended.stdout).toContain(
    'one way        380  3.31 ms  6.62 ms   8.61 ms   9.93 ms   ± 0.41 ms',
  )
  expect(ended.stdout).toContain('0 lost; delivered 100.00 % (95 % interval 99.00 % to 100.00 %)')
  expect(ended.stdout).toContain('median round trip: 95 % interval 4.00 ms to 6.00 ms')
})

test('a percentile that its samples do not support is left out with the reason', async () => {
  const { figures: some } = figuresReply()
  const [gossip] = some.transports
  if (!gossip) throw new Error('the example has no transport')
  const few = { ...gossip.round_trip, n: 19, p95_ms: null, p99_ms: null }
  await using gateway = await startGateway({
    [one]: experimentReply(),
    [figures]: figuresReply({ transports: [{ ...gossip, round_trip: few }] }),
  })

  const ended = await corroport(['experiment', 'show', id, '--url', gateway.url])

  expect(ended.stdout).toMatch(/round trip +19 +5.21 ms +– \(needs 20\) +– \(needs 100\) +15.64 ms/)
})

test('an interrupted experiment shows what it has, and fails with its reason', async () => {
  await using gateway = await startGateway({
    [one]: experimentReply({ status: 'interrupted', reason: 'node2 skipped 3 messages' }),
    [figures]: figuresReply(),
  })

  const ended = await corroport(['experiment', 'watch', id, '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stdout).toContain('round trip')
  expect(ended.stderr).toContain(
    'corroport: gossip-baseline was interrupted: node2 skipped 3 messages\n',
  )
})

test('more loss than is allowed has an exit code of its own', async () => {
  const { figures: some } = figuresReply()
  const transports = some.transports.map((of) => ({ ...of, counts: { ...of.counts, lost: 2 } }))
  await using gateway = await startGateway({
    [create]: experimentReply(),
    [one]: experimentReply(),
    [figures]: figuresReply({ transports }),
  })
  const run = ['experiment', 'run', '--url', gateway.url, '--max-loss']

  const worse = await corroport([...run, '0.1%'])
  const borne = await corroport([...run, '1%'])

  expect([worse.code, borne.code]).toEqual([5, 0])
  expect(worse.stderr).toContain('gossip-baseline lost 0.53 % over gossip, more than 0.10 %\n')
})

test('detached, only the id is printed', async () => {
  await using gateway = await startGateway({ [create]: experimentReply({ status: 'running' }) })

  const ended = await corroport(['experiment', 'run', '--detach', '--url', gateway.url])

  expect(ended).toEqual({ code: 0, stdout: `${id}\n`, stderr: '' })
})

test('all origins are those that are there', async () => {
  const nodes = [nodeSummary(1), nodeSummary(2, { presence: 'lost' }), nodeSummary(3)]
  await using gateway = await startGateway({
    'GET /api/nodes': { nodes, ...answered },
    [create]: experimentReply(),
  })

  await corroport(['experiment', 'run', '--origins', 'all', '--detach', '--url', gateway.url])

  expect(gateway.asked[1]?.body).toContain('"origins":["node1","node3"]')
})

test('repeats name the first of their series, and have seeds of their own', async () => {
  await using gateway = await startGateway({
    [create]: [1, 2].map((run) => experimentReply({ id: `x-${run}` })),
    'GET /api/experiments/x-1': experimentReply({ id: 'x-1' }),
    'GET /api/experiments/x-2': experimentReply({ id: 'x-2' }),
    'GET /api/experiments/x-1/figures': figuresReply(),
    'GET /api/experiments/x-2/figures': figuresReply(),
  })
  const run = ['experiment', 'run', '--id', 'x', '--repeat', '2', '--seed', '7']

  const ended = await corroport([...run, '--url', gateway.url])

  const bodies = gateway.asked.filter(({ line }) => line === create).map(({ body }) => body)
  expect(bodies.map((body) => JSON.parse(body))).toMatchObject([
    { id: 'x-1', seed: 7 },
    { id: 'x-2', seed: 8, repeat_of: 'x-1' },
  ])
  expect(ended.stdout).toContain('a series of 2: corroport experiment compare x-1,x-2 <other>\n')
})

test('Ctrl-C where nobody can be asked leaves the experiment running, and says how to see it', async () => {
  await using gateway = await startGateway({
    [create]: experimentReply({ status: 'running' }),
    [one]: experimentReply({ status: 'running' }),
  })
  await using running = startCorroport(['experiment', 'run', '--url', gateway.url])
  await running.note()
  await running.note()

  const code = await running.end('SIGINT')

  expect(code).toBe(130)
  expect(await running.note()).toBe(
    'gossip-baseline goes on: corroport experiment watch gossip-baseline',
  )
  expect(gateway.asked.some(({ line }) => line.endsWith('/stop'))).toBe(false)
})

test.each([
  [['--interval', '0ms'], 'Give a time from 1ms to 1h'],
  [['--count', '1000001'], 'Give a whole number from 0 to 1000000.'],
  [['--origins', 'a/b'], 'Give names such as node1,node2'],
  [['--max-loss', '1'], 'Give a share such as 0.1%.'],
  [['--count', '5', '--warmup', '5'], 'all 5 messages are warm-up'],
  [['--wait', '--detach'], "'--detach' cannot be used with option '--wait'"],
  [['--repeat', '2', '--detach'], '--repeat needs to wait'],
])('experiment run %j is a wrong use', async (args, words) => {
  const ended = await corroport(['experiment', 'run', ...args])

  expect(ended.code).toBe(2)
  expect(ended.stderr).toContain(words)
  expect(ended.stderr.trim().split('\n')).toHaveLength(1)
})

test('a refusal shows all its problems', async () => {
  const detail = 'the experiment cannot be carried out'
  await using gateway = await startGateway({
    [create]: problem(422, detail, ['node8 is not known', 'node9 has left']),
  })

  const ended = await corroport(['experiment', 'run', '--url', gateway.url])

  expect(ended.stderr).toBe(`corroport: ${detail}\n  node8 is not known\n  node9 has left\n`)
  expect(ended.code).toBe(1)
})

test('experiments are listed', async () => {
  const reply = { ...(replyOf('list') as object), ...answered }
  await using gateway = await startGateway({ 'GET /api/experiments': reply })

  const ended = await corroport(['experiment', 'list', '--url', gateway.url])
  const json = await corroport(['experiment', 'list', '--json', '--url', gateway.url])

  expect(ended.stdout).toMatch(/gossip-baseline +finished +gossip, direct +400 of 400 +800 of 800/)
  expect(JSON.parse(json.stdout)).toEqual(reply)
})

test('an experiment is stopped, and forgotten once that is meant', async () => {
  await using gateway = await startGateway({
    [`POST /api/experiments/${id}/stop`]: experimentReply({ status: 'stopped' }),
    [`DELETE /api/experiments/${id}`]: { status: 'success', ...answered },
  })
  const url = ['--url', gateway.url]

  const stopped = await corroport(['experiment', 'stop', id, ...url])
  const asked = await corroport(['experiment', 'delete', id, ...url])
  const deleted = await corroport(['experiment', 'delete', id, '--yes', ...url])

  expect(stopped.stdout).toBe(`${id} is stopped\n`)
  expect(asked).toEqual({
    code: 2,
    stdout: '',
    stderr: 'corroport: nobody can be asked here: add --yes\n',
  })
  expect(deleted.stdout).toBe(`${id} is forgotten\n`)
})

test('a comparison says what may be concluded, and limits fail it', async () => {
  await using gateway = await startGateway({ 'GET /api/experiments/compare': comparisonReply() })
  const compare = ['experiment', 'compare', 'a1,a2', 'b1', '--url', gateway.url]

  const plain = await corroport(compare)
  const slower = await corroport([...compare, '--fail-if', 'slower:10%'])
  const borne = await corroport([...compare, '--fail-if', 'slower:40%'])
  const unknown = await corroport([...compare, '--fail-if', 'loss:0.1%'])

  expect(gateway.asked[0]?.line).toBe('GET /api/experiments/compare?a=a1%2Ca2&b=b1')
  expect(plain.stdout.split('\n')[0]).toBe(comparisonReply().comparison.sentence)
  expect(plain.stdout).toMatch(
    /gossip median +5.21 ms +6.87 ms +\+1.66 ms +\+1.40 ms to \+1.91 ms +\+31.80 % +0.0003 +0.42 ms +different/,
  )
  expect([plain, slower, borne, unknown].map(({ code }) => code)).toEqual([0, 5, 0, 1])
  expect(slower.stderr).toBe('slower:10%: gossip median: passed, by 31.80 %\n')
})

test('clocks are shown with their bounds; one in alarm degrades', async () => {
  const reply = { ...(replyOf('clocks') as { clocks: object[] }), ...answered }
  const alarm = { ...reply, clocks: [{ ...reply.clocks[0], state: 'alarm', offset_ms: 812.5 }] }
  await using gateway = await startGateway({ 'GET /api/clocks': [reply, alarm, reply] })

  const well = await corroport(['clocks', '--url', gateway.url])
  const ill = await corroport(['clocks', '--url', gateway.url])
  const history = await corroport(['clocks', '--of', 'node2', '--url', gateway.url])

  expect(well.stdout).toMatch(/node2 +ok +-0.21 ms +± 0.18 ms +1.4 ppm/)
  expect(ill.stdout).toMatch(/node2 +alarm +\+813 ms/)
  expect([well.code, ill.code]).toEqual([0, 4])
  expect(gateway.asked[2]?.line).toBe('GET /api/clocks?node=node2&hours=1')
  expect(history.stdout).toMatch(/2026-01-15T10:00:00.123456Z +-0.21 ms +± 0.18 ms +0.36 ms +8/)
})

test('propagation is asked page by page', async () => {
  const reply = { ...(replyOf('propagation') as object), ...answered }
  await using gateway = await startGateway({
    'GET /api/propagation': [{ ...reply, next: 'x' }, reply],
  })

  const ended = await corroport(['propagation', '--since', '30m', '--url', gateway.url])

  expect(gateway.asked.map(({ line }) => line)).toEqual([
    'GET /api/propagation?hours=0.5',
    'GET /api/propagation?hours=0.5&after=x',
  ])
  expect(ended.stdout.trim().split('\n')).toHaveLength(3)
  expect(ended.stdout).toMatch(/node_messages +node1 +node2 +412 +2.91 ms .* 40.00 ms\n/)
})

test('the ledger names what is missing', async () => {
  const reply = { ...(replyOf('ledger') as { streams: object[] }), ...answered }
  const missing = [{ from: 7, to: 9, reason: 'dropped by the stream before it was read' }]
  const short = { ...reply, streams: [{ ...reply.streams[0], missing }] }
  await using gateway = await startGateway({ 'GET /api/analytics/ledger': [reply, short] })

  const whole = await corroport(['analytics', 'ledger', '--url', gateway.url])
  const gap = await corroport(['analytics', 'ledger', '--url', gateway.url])

  expect([whole.code, gap.code]).toEqual([0, 4])
  expect(gap.stdout).toContain('RECORDS 7 to 9 missing: dropped by the stream before it was read\n')
})

test('what a vacuum dropped is named', async () => {
  const reply = { ...(replyOf('vacuum') as object), ...answered }
  await using gateway = await startGateway({ 'POST /api/analytics/vacuum': reply })

  const ended = await corroport(['analytics', 'vacuum', '--url', gateway.url])

  expect(ended.code).toBe(0)
  expect(ended.stdout).toMatch(/partitions and \d+ rows dropped, older than \d+ days\n$/)
})

test('migrating needs to know the database, from the environment alone', async () => {
  const none = await corroport(['analytics', 'migrate'])
  const environment = { DATABASE_URL: 'postgres://127.0.0.1:1/nothing' }
  const unreached = await corroport(['analytics', 'migrate'], { environment })

  expect(none).toEqual({ code: 2, stdout: '', stderr: 'corroport: DATABASE_URL is not set\n' })
  expect(unreached.code).toBe(1)
  expect(unreached.stderr).toMatch(/^corroport: not migrated: .*ECONNREFUSED.*\n$/)
})

test('the demo measures both transports from all nodes, and gives links', async () => {
  await using gateway = await startGateway({
    'GET /api/nodes': { nodes: [nodeSummary(1), nodeSummary(2)], ...answered },
    [create]: experimentReply({ status: 'running' }),
    [one]: experimentReply(),
    [figures]: figuresReply(),
  })

  const few = await corroport(['demo', '--nodes', '3', '--url', gateway.url])
  const ended = await corroport(['demo', '--nodes', '2', '--url', gateway.url])

  expect(few.stderr).toBe('corroport: 2 nodes are there, not 3: npm start -- --nodes 3\n')
  expect(ended.code).toBe(0)
  expect(ended.stdout).toContain(`${gateway.url}/api/experiments/${id}/figures\n`)
})
