import { expect, test } from '@jest/globals'
import { nodeSummary } from './answers.ts'
import { corroport, startCorroport } from './corroport.ts'
import {
  answered,
  clocksReply,
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
    'GET /api/clocks': clocksReply(),
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
  expect(ended.stdout).toContain('median round trip: 95 % interval 4.90 ms to 5.60 ms')
  expect(ended.stdout).toContain('3 nodes: node1, node2, node3; real agents 0.1.4')
  expect(ended.stdout).toMatch(/clocks against analytics: .*node2 -0.21 ms ± 0.18 ms/)
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
    'GET /api/clocks': clocksReply(),
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
    'GET /api/clocks': clocksReply(),
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

test.each([
  ['200', 10],
  ['15', 1],
  ['0', 0],
])('%s messages warm up with %d of them, unless told otherwise', async (count, warmup) => {
  await using gateway = await startGateway({ [create]: experimentReply({ status: 'running' }) })

  await corroport(['experiment', 'run', '--count', count, '--detach', '--url', gateway.url])

  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toMatchObject({ count: Number(count), warmup })
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

test('repeats have a line of JSON each', async () => {
  await using gateway = await startGateway({
    'GET /api/clocks': clocksReply(),
    [create]: experimentReply(),
    [one]: experimentReply(),
    [figures]: figuresReply(),
  })

  const run = ['experiment', 'run', '--repeat', '2', '--json']

  const ended = await corroport([...run, '--url', gateway.url])

  const lines = ended.stdout.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { experiment: { id } },
    { experiment: { id } },
  ])
})

test('repeats name the first of their series, and have seeds of their own', async () => {
  await using gateway = await startGateway({
    'GET /api/clocks': clocksReply(),
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
  expect(ended.stdout).toContain('a series of 2: corroport experiment compare x-1+ <another>\n')
})

test('what repeats an experiment that is gone here is the first of its series', async () => {
  const { experiment } = experimentReply()
  const plan = { ...experiment.plan, repeat_of: 'gone' }
  await using gateway = await startGateway({
    [one]: experimentReply({ plan }),
    [create]: experimentReply({ status: 'running' }),
  })

  const known = await corroport(['experiment', 'rerun', id, '--detach', '--url', gateway.url])

  expect(known.code).toBe(0)
  expect(JSON.parse(gateway.asked.at(-1)?.body ?? '')).toMatchObject({ repeat_of: id })
})

test('Ctrl-C where nobody can be asked leaves the experiment running, and says how to see it', async () => {
  await using gateway = await startGateway({
    [create]: experimentReply({ status: 'running' }),
    [one]: experimentReply({ status: 'running' }),
  })
  await using running = startCorroport(['experiment', 'run', '--url', gateway.url])
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

  expect(ended.stdout).toMatch(
    /gossip-baseline +finished +both +400\/400 +800\/800 +2026-01-15T10:00Z/,
  )
  expect(JSON.parse(json.stdout)).toEqual(reply)
})

test('an experiment is stopped, and forgotten once that is meant', async () => {
  await using gateway = await startGateway({
    [`POST /api/experiments/${id}/stop`]: experimentReply({ status: 'running' }),
    [`DELETE /api/experiments/${id}`]: { status: 'success', ...answered },
  })
  const url = ['--url', gateway.url]

  const stopped = await corroport(['experiment', 'stop', id, ...url])
  const asked = await corroport(['experiment', 'delete', id, ...url])
  const deleted = await corroport(['experiment', 'delete', id, '--yes', ...url])

  expect(stopped.stdout).toBe(`${id} is being stopped\n`)
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

test('a series is asked for by its first, whose repeats are looked for down to it', async () => {
  const some = (ids: string[], first: string | null) =>
    ids.map((name) => {
      const { experiment, progress } = experimentReply({ id: name })
      return {
        experiment: { ...experiment, plan: { ...experiment.plan, repeat_of: first } },
        progress,
      }
    })
  const newer = { experiments: some(['a-3', 'a-2'], 'a-1'), next: 'x', ...answered }
  const older = { experiments: some(['a-1', 'z'], null), next: 'y', ...answered }
  await using gateway = await startGateway({
    'GET /api/experiments': [newer, older],
    'GET /api/experiments/compare': comparisonReply(),
  })

  await corroport(['experiment', 'compare', 'a-1+', 'b', '--url', gateway.url])

  expect(gateway.asked.map(({ line }) => line)).toEqual([
    'GET /api/experiments?limit=200',
    'GET /api/experiments?limit=200&before=x',
    'GET /api/experiments/compare?a=a-1%2Ca-3%2Ca-2&b=b',
  ])
})

test('the demo measures both transports from all nodes, and gives links', async () => {
  await using gateway = await startGateway({
    'GET /api/clocks': clocksReply(),
    'GET /api/nodes': { nodes: [nodeSummary(1), nodeSummary(2)], ...answered },
    [create]: experimentReply({ status: 'running' }),
    [one]: experimentReply(),
    [figures]: figuresReply(),
  })

  const few = await corroport(['demo', '3', '--url', gateway.url])
  const ended = await corroport(['demo', '2', 'look', '30', '1m', '--url', gateway.url])

  expect(few.stderr).toBe('corroport: 2 nodes are there, not 3: npm start -- --nodes 3\n')
  expect(ended.code).toBe(0)
  expect(JSON.parse(gateway.asked.find(({ line }) => line === create)?.body ?? '')).toMatchObject({
    id: 'look',
    count: 30,
    origins: ['node1', 'node2'],
  })
  expect(ended.stdout).toContain(`figures     ${gateway.url}/api/experiments/${id}/figures\n`)
})

test('a demo that takes too long is left alone: nothing more is asked or said', async () => {
  await using gateway = await startGateway({
    'GET /api/nodes': { nodes: [nodeSummary(1)], ...answered },
    [create]: experimentReply({ status: 'running' }),
    [one]: experimentReply({ status: 'running' }),
  })

  const ended = await corroport(['demo', '1', 'look', '30', '1', '--url', gateway.url])

  expect(ended.code).toBe(3)
  expect(ended.stderr).toMatch(/has not ended in time and goes on: .* watch gossip-baseline\n$/)
})

test('watching ends at once where no gateway is, and bears one that is restarted', async () => {
  const down = problem(503, 'analytics does not answer')
  await using gateway = await startGateway({
    [one]: [experimentReply({ status: 'running' }), down, experimentReply()],
    [figures]: figuresReply(),
    'GET /api/clocks': clocksReply(),
  })
  const watch = ['experiment', 'watch', id, '--url']

  const nowhere = await corroport([...watch, 'http://127.0.0.1:1'])
  const borne = await corroport([...watch, gateway.url])

  expect([nowhere.code, borne.code]).toEqual([1, 0])
  expect(borne.stderr).toContain('gossip-baseline  no answer: analytics does not answer\n')
})
