import type { RolloutStep } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { corroport, startCorroport } from './corroport.ts'
import { configReply, planReply, restartReplies, rolloutReply } from './fixture.ts'
import { problem, startGateway } from './gateway.ts'

const planId = planReply().plan.id
const rolloutRoute = `GET /api/config/rollouts/${planId}`
const seeds = '127.0.0.1:8787,127.0.0.1:8788,127.0.0.1:8789'

function finished(state: RolloutStep['state'], reason: string | null = null): RolloutStep[] {
  return rolloutReply().rollout.nodes.map((step) => ({ ...step, state, reason }))
}

test('a plan shows the diff of each node, the graph and how to apply it', async () => {
  await using gateway = await startGateway({ 'POST /api/config/plan': planReply() })

  const ended = await corroport(['config', 'plan', '--bootstrap', seeds, '--url', gateway.url])

  expect(ended.stderr).toBe('')
  expect(ended.code).toBe(0)
  expect(ended.stdout).toContain(
    '  +bootstrap = ["127.0.0.1:8787", "127.0.0.1:8788", "127.0.0.1:8789"]\n',
  )
  expect(ended.stdout.slice(ended.stdout.indexOf('bootstrap graph'))).toBe(`bootstrap graph
  one piece: node1, node2, node3
    node1 ──> node2, node3
    node2 ──> node1, node3
    node3 ──> node1, node2
  single points of failure: none

order: node2 (canary), node3, node1; one node at a time
apply it until 2026-01-15T10:17:00.411902Z with:
  corroport config apply ${planId} --confirm ${planId}
`)
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    bootstrap: seeds.split(','),
    nodes: 'all',
  })
})

test('settings are sent with their types', async () => {
  await using gateway = await startGateway({ 'POST /api/config/plan': planReply() })

  const changes = `--set perf.min_sync_backoff=5 --set log.colors=false
    --set gossip.external_addr=10.0.0.1:8787 --set db.subscriptions_path="a=b"
    --set log.filters=["a","b"] --unset gossip.max_mtu --nodes node2,node3`
  const args = ['config', 'plan', '--url', gateway.url, ...changes.split(/\s+/)]
  const ended = await corroport(args)

  expect(ended.code).toBe(0)
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    settings: {
      'perf.min_sync_backoff': 5,
      'log.colors': false,
      'gossip.external_addr': '10.0.0.1:8787',
      'db.subscriptions_path': 'a=b',
      'log.filters': ['a', 'b'],
      'gossip.max_mtu': null,
    },
    nodes: ['node2', 'node3'],
  })
})

test('a plan with problems says all of them, and not how to apply it', async () => {
  const reply = planReply({
    problems: ['the bootstrap lists make 2 clusters', 'node3: its agent is unreachable'],
    graph: {
      components: [['node1', 'node2'], ['node3']],
      single_points_of_failure: [],
      unknown_seeds: [],
    },
  })
  await using gateway = await startGateway({ 'POST /api/config/plan': reply })
  const plan = ['config', 'plan', '--bootstrap', '', '--url', gateway.url]

  const ended = await corroport(plan)
  const json = await corroport([...plan, '--json'])

  expect([ended.code, json.code]).toEqual([1, 1])
  expect(ended.stdout).toContain('piece 2 of 2: node3\n')
  expect(ended.stdout.slice(ended.stdout.indexOf('problem '))).toBe(
    `problem  the bootstrap lists make 2 clusters
problem  node3: its agent is unreachable
it cannot be applied
`,
  )
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({ bootstrap: [], nodes: 'all' })
})

test.each([
  [[], 'nothing to change: give --bootstrap, --set or --unset'],
  [['--set', 'perf'], 'Give name=value.'],
  [['--set', 'a={}'], 'Give a number, true, false, a text or a list of texts.'],
  [['--set', 'a=null'], 'Take a setting out with --unset.'],
])('a plan with %j is asked of nobody', async (args, message) => {
  const ended = await corroport(['config', 'plan', '--url', 'http://127.0.0.1:9', ...args])

  expect(ended.code).toBe(2)
  expect(ended.stderr).toContain(message)
})

test('hosts that are malformed are all listed', async () => {
  const refusal = problem(422, 'the bootstrap list has malformed hosts', [
    '10.0.0.1: has no port',
    '[::1:8787: has no closing bracket',
  ])
  await using gateway = await startGateway({ 'POST /api/config/plan': refusal })

  const ended = await corroport(['config', 'plan', '--bootstrap', 'x', '--url', gateway.url])

  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `corroport: the bootstrap list has malformed hosts
  10.0.0.1: has no port
  [::1:8787: has no closing bracket
`,
  })
})

test('an apply shows each node as it gets on, and ends with the rollout', async () => {
  const ended = rolloutReply({ state: 'succeeded', nodes: finished('done'), coordinator: 'node3' })
  await using gateway = await startGateway({
    'POST /api/config/apply': rolloutReply(),
    [rolloutRoute]: [rolloutReply(), (response) => void response.destroy(), ended],
  })
  const apply = ['config', 'apply', planId, '--confirm', planId, '--url', gateway.url]

  const told = await corroport(apply)

  expect(told).toMatchObject({ code: 0, stderr: '' })
  expect(told.stdout.replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, 'TIME').split('\n')).toEqual([
    'node2, node3, node1, in this order, led by node1',
    'TIME  node2  done          stop 6.0 s, start 3.10 ms, http 119 ms, subscription 9.60 ms, members 403 ms, canary-out 36.20 ms, canary-in 31.80 ms',
    'TIME  node3  checking      stop 6.0 s, start 2.80 ms, http 121 ms, subscription 10.20 ms',
    'TIME  node3 took over from node1',
    'TIME  node3  done          stop 6.0 s, start 2.80 ms, http 121 ms, subscription 10.20 ms',
    'TIME  node1  done',
    `${planId} succeeded on 3 nodes`,
    '',
  ])
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({ plan_id: planId, confirm: planId })
})

test('a rollout that stopped gives the reason of each node', async () => {
  const [node2, node3, node1] = finished('done')
  if (!node2 || !node3 || !node1) throw new Error('the example has three nodes')
  const nodes: RolloutStep[] = [
    node2,
    { ...node3, state: 'rolled-back', reason: 'cannot bind 10.9.9.9:8789' },
    { ...node1, state: 'skipped' },
  ]
  const stopped = rolloutReply({ state: 'stopped', reason: 'node3 was rolled back', nodes })
  await using gateway = await startGateway({
    'POST /api/config/apply': rolloutReply(),
    [rolloutRoute]: stopped,
  })

  const ended = await corroport([
    'config',
    'apply',
    planId,
    '--yes',
    '--json',
    '--url',
    gateway.url,
  ])

  expect(ended.code).toBe(1)
  expect(JSON.parse(ended.stdout)).toEqual(stopped.rollout)
  expect(ended.stderr).toBe(
    `corroport: ${planId} stopped: node3 was rolled back\n  node3 rolled-back: cannot bind 10.9.9.9:8789\n`,
  )
})

test('a plan is not applied by accident', async () => {
  await using gateway = await startGateway({})
  const apply = ['config', 'apply', planId, '--url', gateway.url]

  const unasked = await corroport(apply)
  const mistaken = await corroport([...apply, '--confirm', 'node1_other'])

  expect(unasked).toMatchObject({
    code: 2,
    stderr: 'corroport: nobody can be asked here: add --yes\n',
  })
  expect(mistaken).toMatchObject({ code: 2, stderr: 'corroport: --confirm names another plan\n' })
  expect(gateway.asked).toEqual([])
})

test('Ctrl-C leaves the rollout going and says so', async () => {
  await using gateway = await startGateway({
    'POST /api/config/apply': rolloutReply(),
    [rolloutRoute]: rolloutReply(),
  })
  const args = ['config', 'apply', planId, '--yes', '--url', gateway.url]
  await using command = startCorroport(args)
  await command.line()
  await command.line() // the first news, so it is following

  const note = command.note()
  const code = await command.end('SIGINT')

  expect(await note).toBe(`the rollout goes on: corroport config rollouts ${planId} --watch`)
  expect(code).toBe(130)
  expect(gateway.asked.filter(({ line }) => line.startsWith('POST'))).toHaveLength(1)
})

test('rollouts are a table, and one is shown with its nodes', async () => {
  const { rollout } = rolloutReply()
  await using gateway = await startGateway({
    'GET /api/config/rollouts': { ...rolloutReply(), rollouts: [rollout] },
    [rolloutRoute]: rolloutReply(),
    [`POST /api/config/rollouts/${planId}/pause`]: rolloutReply({ state: 'pausing' }),
  })
  const environment = { CORROPORT_URL: gateway.url }

  const list = await corroport(['config', 'rollouts'], { environment })
  const one = await corroport(['config', 'rollouts', planId], { environment })
  const paused = await corroport(['config', 'pause', planId], { environment })

  expect(list.stdout.split('\n')[1]).toMatch(
    /^2026-01-15T10:03:00\.102377Z {2}node1_\w+ {2}running {2}1 of 3 {2}operator/,
  )
  expect(one.stdout.split('\n').slice(0, 3)).toEqual([
    `${planId}  running`,
    'by operator, is led by node1, epoch 1',
    'from 2026-01-15T10:03:00.102377Z to now',
  ])
  expect(one.stdout).toContain('  node1  waiting')
  expect(paused).toEqual({ code: 0, stdout: `${planId} is pausing\n`, stderr: '' })
})

test('a restart shows its steps as they end', async () => {
  const { begun, ended } = restartReplies()
  const route = `GET /api/cluster/operations/${ended.operation.id}`
  await using gateway = await startGateway({
    'POST /api/node/restart': begun,
    [route]: [begun, (response) => void response.destroy(), ended],
  })

  const args = ['agent', 'restart', 'node2', '--reason', 'new binary', '--url', gateway.url]
  const told = await corroport(args)

  expect(told).toEqual({
    code: 0,
    stdout: `  done     stop                6.0 s
  done     start             3.00 ms
  done     http               119 ms
  done     subscription      9.80 ms
restart of node2 succeeded in 6.2 s
`,
    stderr: '',
  })
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    node_id: 'node2',
    reason: 'new binary',
  })
})

test('a restart that fails says why; one that runs already is refused', async () => {
  const { begun, ended } = restartReplies({ state: 'failed', reason: 'the agent ended' })
  await using gateway = await startGateway({
    'POST /api/node/restart': [begun, begun, problem(423, 'a restart of node2 is under way')],
    [`GET /api/cluster/operations/${ended.operation.id}`]: ended,
  })
  const restart = ['agent', 'restart', '--url', gateway.url]

  const failed = await corroport([...restart, '--json'])
  const begunOnly = await corroport([...restart, '--no-wait'])
  const refused = await corroport(restart)

  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stdout)).toEqual(ended.operation)
  expect(failed.stderr).toBe(
    `corroport: restart of node2 failed: the agent ended (${ended.operation.id})\n`,
  )
  expect(begunOnly).toEqual({ code: 0, stdout: `${begun.operation.id}\n`, stderr: '' })
  expect(refused).toMatchObject({ code: 1, stderr: 'corroport: a restart of node2 is under way\n' })
})

test('a configuration is shown by its settings or as it stands', async () => {
  await using gateway = await startGateway({ 'GET /api/config': configReply() })
  const environment = { CORROPORT_URL: gateway.url }

  const shown = await corroport(['config', 'show', 'node2'], { environment })
  const raw = await corroport(['config', 'show', '--raw'], { environment })
  const history = await corroport(['config', 'history', '--diff'], { environment })

  expect(shown.stdout).toMatch(
    /^canonical +corrosion\/configs\/canonical\/node2.toml, which is different$/m,
  )
  expect(shown.stdout).toMatch(/^telemetry\.prometheus\.addr +"127\.0\.0\.1:9502"$/m)
  expect(raw.stdout).toBe(configReply().file.text)
  expect(history.stdout.split('\n')[0]).toBe(
    '2026-01-15T10:03:00.121950Z  apply applied, by operator',
  )
  expect(history.stdout).toContain('  -bootstrap = ["127.0.0.1:8787", "127.0.0.1:8789"]\n')
  expect(gateway.asked.map(({ line }) => line)).toEqual([
    'GET /api/config?node=node2&changes=0',
    'GET /api/config?changes=0',
    'GET /api/config?changes=20',
  ])
})

const onCanonical = (() => {
  const { canonical } = configReply().file
  if (!canonical) throw new Error('the example has a canonical file')
  return configReply({
    sha256: canonical.sha256,
    bootstrap: ['127.0.0.1:8787', '127.0.0.1:8789'],
    canonical: { ...canonical, differs: false },
  })
})()

function fallbackAnswers(after: ReturnType<typeof configReply>) {
  const { begun, ended } = restartReplies()
  const changed = configReply({ bootstrap: ['127.0.0.1:8789', '127.0.0.1:8787'] })
  return {
    'GET /api/config': [onCanonical, changed, after],
    'POST /api/config/plan': planReply(),
    'POST /api/config/apply': rolloutReply(),
    [rolloutRoute]: rolloutReply({ state: 'succeeded' }),
    'POST /api/config/restore': begun,
    [`GET /api/cluster/operations/${ended.operation.id}`]: ended,
  }
}

test('the fallback to canonical is proved by digests', async () => {
  await using gateway = await startGateway(fallbackAnswers(onCanonical))
  const check = ['config', 'fallback-check', '--yes', '--url', gateway.url]

  const ended = await corroport(check)

  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout.match(/^ok /gm)).toHaveLength(7)
  const planned = gateway.asked.find(({ line }) => line === 'POST /api/config/plan')
  expect(JSON.parse(planned?.body ?? '')).toEqual({
    bootstrap: ['127.0.0.1:8789', '127.0.0.1:8787'],
    nodes: ['node2'],
  })
})

test('a fallback that leaves another file fails', async () => {
  await using gateway = await startGateway(fallbackAnswers(configReply()))

  const args = ['config', 'fallback-check', '--yes', '--json', '--url', gateway.url]
  const ended = await corroport(args)

  expect(ended.code).toBe(1)
  const { checks } = JSON.parse(ended.stdout) as { checks: { ok: boolean }[] }
  expect(checks.map(({ ok }) => ok)).toEqual([true, true, true, true, false, false, true])
})

test('a changed file is not risked', async () => {
  await using gateway = await startGateway({ 'GET /api/config': configReply() })

  const ended = await corroport(['config', 'fallback-check', '--yes', '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('node2 is not on its canonical file')
  expect(gateway.asked).toHaveLength(1)
})
