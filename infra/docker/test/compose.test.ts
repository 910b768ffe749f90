// The compose file as it is run: images are built, three nodes come up, and are treated badly.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  BuildReply,
  LedgerReply,
  type Operation,
  OperationReply,
  PlanReply,
  type Rollout,
  RolloutReply,
} from '@corroport/contracts'
import { composeNodes } from '@corroport/deploy/src/compose-nodes.ts'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Load, sendOne, sendUntil } from '../src/load.ts'
import { findMiscounts } from '../src/miscounts.ts'
import { root } from '../src/project.ts'
import { type ComposeCluster, startCompose } from './compose.ts'
import { findInImage } from './find-in-image.ts'
import { inspectContainer, rightsOf, writableFolders } from './scan.ts'

// The images are built in it.
jest.setTimeout(600_000)

const nodeIds = ['node1', 'node2', 'node3']
const jobs = ['init', 'migrate']
let cluster: ComposeCluster

beforeAll(async () => {
  cluster = await startCompose()
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

async function lookUntil<T>(look: () => Promise<T | false>, withinMs = 90_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== false) return found
    if (performance.now() > deadline) throw new Error(`still not so: ${look.toString()}`)
    await wait(200)
  }
}

const nothingLost = { found: [], isBalanced: true, duplicates: 0 }

/** Whether everything that was sent so far is told by everybody, once; waits until it is. */
async function outcomeOf(load: Load): Promise<typeof nothingLost | { found: string[] }> {
  const [api] = cluster.apis
  const look = () => findMiscounts(api, { accepted: load.accepted, nodeIds })
  const deadline = performance.now() + 90_000
  let { found } = await look()
  while (found.length > 0 && performance.now() < deadline) {
    await wait(250)
    found = (await look()).found
  }
  const { streams, is_balanced } = await api.get(LedgerReply, '/api/analytics/ledger')
  const duplicates = streams.reduce((sum, stream) => sum + stream.duplicates, 0)
  return { found, isBalanced: is_balanced, duplicates }
}

/** Messages while something is done, from the first and the third gateway. */
async function underLoad(act: () => Promise<void>): Promise<Load> {
  const ending = new AbortController()
  const [first, , third] = cluster.apis
  const sending = sendUntil(ending.signal, { apis: [first, third], ratePerSecond: 10 })
  try {
    await act()
  } finally {
    ending.abort()
  }
  return await sending
}

function ended({ id }: Operation): Promise<Operation> {
  return lookUntil(async () => {
    const { operation } = await cluster.apis[0].get(OperationReply, `/api/cluster/operations/${id}`)
    return operation.state !== 'running' && operation
  })
}

async function readSecrets(): Promise<string[]> {
  const read = 'cat /secrets/*.token /secrets/*/*.password /secrets/*/*.token'
  const entry = ['run', '--rm', '--entrypoint', 'sh']
  const text = await cluster.project.compose(...entry, 'deploy', '-c', read)
  const secrets = text.trim().split('\n')
  if (secrets.length <= 20) throw new Error(`only ${secrets.length} secrets were read`)
  return secrets
}

test('a message sent at one node is acknowledged by the two others', async () => {
  const id = await sendOne(cluster.apis[0], 'hello')

  const load = { attempted: 1, accepted: [id], failures: new Map() }
  expect(await outcomeOf(load)).toEqual(nothingLost)
})

test('a client of each point of presence is answered by the backend that registered there', async () => {
  const answers = await Promise.all(
    cluster.edgeUrls.map((url) =>
      lookUntil(async () => {
        const response = await fetch(url).catch(() => undefined)
        return response?.ok ? await response.text() : false
      }),
    ),
  )

  expect(answers).toEqual(['web-eu-1 (eu) /\n', 'web-us-1 (us) /\n', 'web-ap-1 (ap) /\n'])
})

test('a build goes round: submitted by the command line, built by a worker, seen by a gateway', async () => {
  const { project, buildsUrl, apis } = cluster
  const run = (...args: string[]) => project.compose('run', '--rm', '-T', 'cli', ...args)
  const enrolment = await project.compose(
    'exec',
    '-T',
    'build-controller',
    'cat',
    '/run/secrets/corroport/enrolment.token',
  )
  const ask = async (path: string, init: RequestInit) => {
    const response = await fetch(`${buildsUrl}${path}`, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return Value.Parse(Type.Record(Type.String(), Type.Unknown()), await response.json())
  }

  const id = (await run('builds', 'submit', '/app/package-lock.json', '--platform', 'ios')).trim()
  const { access_token: token } = await ask('/api/workers/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-enrolment-token': enrolment.trim() },
    body: JSON.stringify({ name: 'mac', capabilities: { platforms: ['ios'] } }),
  })
  const headers = { 'x-worker-token': String(token) }
  const { job } = await ask('/api/workers/poll?wait=10', { headers })
  expect(job).toMatchObject({ id })
  const form = new FormData()
  form.set('build_id', id)
  form.set('success', 'true')
  form.set('result', new Blob(['an app']), 'app.ipa')
  await ask('/api/workers/upload', { method: 'POST', headers, body: form })

  expect(await run('builds', 'list')).toMatch(new RegExp(`${id} +ios +completed`))
  const { build } = await apis[1].get(BuildReply, `/api/builds/${id}`)
  expect(build).toMatchObject({ status: 'completed', resultBytes: 6 })
})

test('a restart of an agent that is asked for leaves its container running', async () => {
  const { project, agentServices, apis } = cluster
  const look = (): Promise<string> =>
    project.docker(
      'inspect',
      '--format',
      '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}',
      project.container(agentServices[1] ?? ''),
    )
  const before = await look()

  const { operation } = await apis[0].post(OperationReply, '/api/node/restart', {
    node_id: 'node2',
  })

  const { state, steps } = await ended(operation)
  expect([state, steps.map(({ name }) => name)]).toEqual([
    'succeeded',
    ['stop', 'start', 'http', 'subscription'],
  ])
  expect(await look()).toBe(before)
})

test('containers that are killed under load cost no message, and none is counted twice', async () => {
  const { project, agentServices } = cluster
  const agent2 = agentServices[1] ?? ''
  const killed = [
    ['subscriber1', 'ack-sender2', 'config-manager3'],
    [agent2, 'gateway2'],
    ['nats', 'analytics'],
    ['postgres'],
  ]

  const load = await underLoad(async () => {
    for (const services of killed) {
      const names = services.map(project.container)
      await project.docker('kill', ...names)
      await project.docker('start', ...names)
      await project.healthy(services)
    }
  })

  expect(load.accepted.length).toBeGreaterThan(50)
  await project.healthy((await project.services()).filter((name) => !jobs.includes(name)))
  expect(await outcomeOf(load)).toEqual(nothingLost)
})

test('other bootstrap hosts are rolled out under load, and nothing is lost', async () => {
  const [api] = cluster.apis
  const bootstrap = ['agent1:8787', 'agent2:8787']
  let rollout: Rollout | undefined

  const load = await underLoad(async () => {
    const edit = { bootstrap, nodes: 'all' }
    const { plan } = await api.post(PlanReply, '/api/config/plan', edit)
    expect(plan.problems).toEqual([])
    const order = { plan_id: plan.id, confirm: plan.id }
    await api.post(RolloutReply, '/api/config/apply', order)
    rollout = await lookUntil(async () => {
      const now = await api.get(RolloutReply, `/api/config/rollouts/${plan.id}`)
      return ['succeeded', 'stopped', 'aborted'].includes(now.rollout.state) && now.rollout
    }, 180_000)
  })

  expect(rollout).toMatchObject({ state: 'succeeded', reason: null })
  const path = '/var/lib/corroport/agent/config.toml'
  const grep = ['exec', '-T', 'config-manager1', 'grep', '^bootstrap', path]
  expect(await cluster.project.compose(...grep)).toMatch(
    /^bootstrap = \["agent1:8787", *"agent2:8787"\]$/m,
  )
  expect(await outcomeOf(load)).toEqual(nothingLost)
})

test('with a new password of Postgres records go on being stored', async () => {
  const { project, apis } = cluster
  const urlOf = (service: string): Promise<string> =>
    project.compose('exec', '-T', service, 'cat', '/run/secrets/corroport/database.url')
  const before = await urlOf('analytics')

  const load = await underLoad(async () => {
    const rotate = ['deploy', 'rotate', 'postgres', 'analytics', '--dir', '/secrets']
    await project.compose('run', '--rm', ...rotate)
    await project.compose('up', '--detach', '--wait')
    await project.compose('restart', 'analytics')
    await project.healthy(['analytics'])
  })

  expect(await urlOf('analytics')).not.toBe(before)
  expect(await outcomeOf(load)).toEqual(nothingLost)
  expect(await apis[0].query('analytics', 'SELECT 1', [])).toEqual([[1]])
})

// By the name of the service without its number. Docker's own are /dev/mqueue and /dev/shm.
const agentFolders = [
  '/run/agent',
  '/run/corrosion',
  '/tmp',
  '/var/lib/corroport/agent',
  '/var/lib/corrosion',
]
const stateFolders = ['/tmp', '/var/lib/corroport/state']
const writable: Record<string, readonly string[]> = {
  agent: agentFolders,
  'development-agent': agentFolders,
  subscriber: stateFolders,
  'ack-sender': stateFolders,
  'config-manager': [...agentFolders, ...stateFolders],
  gateway: stateFolders,
  analytics: stateFolders,
  nats: ['/data'],
  postgres: ['/run/postgresql', '/tmp', '/var/lib/postgresql'],
  'edge-proxy': ['/tmp'],
  'build-controller': ['/tmp', '/var/lib/corroport/builds'],
  backend: ['/tmp'],
}

test('no container is root, may more than any process, or writes where it should not', async () => {
  const { project } = cluster
  const services = await project.services()

  for (const service of services) {
    const { Config, HostConfig } = await inspectContainer(project, service)
    expect([service, Config.User]).not.toEqual([service, expect.stringMatching(/^(root|0|)(:|$)/)])
    expect({ service, ...HostConfig }).toMatchObject({
      service,
      Privileged: false,
      ReadonlyRootfs: true,
      CapAdd: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      PidMode: '',
      NetworkMode: `${project.name}_default`,
    })
  }
  for (const service of services.filter((name) => !jobs.includes(name))) {
    const { uid, gid, ...rights } = await rightsOf(project, service)
    expect([service, uid > 0 && gid > 0]).toEqual([service, true])
    expect({ service, ...rights }).toEqual({ service, capabilities: 0, noNewPrivileges: true })
    const declared = writable[service.replace(/\d+$/, '')] ?? []
    const folders = [...new Set(['/dev/mqueue', '/dev/shm', ...declared])].toSorted()
    expect([service, ...(await writableFolders(project, service))]).toEqual([service, ...folders])
  }
})

test('no secret is in an image of ours, in what docker tells of a container, or in a log', async () => {
  const { project } = cluster
  const secrets = await readSecrets()
  const services = await project.services()
  const texts = await Promise.all([
    project.docker('inspect', ...services.map(project.container)),
    project.compose('logs', '--no-color'),
  ])
  const images = (await project.compose('config', '--images')).split('\n')
  const ours = [...new Set(images)].filter((image) => image.startsWith('corroport/'))
  // Every image of ours has it, so a search that finds nothing is seen.
  const schema = readFileSync(join(root, 'corrosion/schemas/node_messages.sql'), 'utf8')
  const suspects = "-name .env -o -name .git -o -name '*.password' -o -name '*.token'"
  const search = `find / \\( -path /proc -o -path /sys \\) -prune -o \\( ${suspects} \\) -print`

  expect(secrets.filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([])
  expect(ours).toHaveLength(2)
  for (const image of ours) {
    expect(await findInImage(project, image, [schema, ...secrets])).toEqual([schema])
    const shell = ['run', '--rm', '--user', '0', '--entrypoint', 'sh', image, '-c']
    expect(await project.docker(...shell, `${search} 2>/dev/null || true`)).toBe('')
  }
})

test('no secret is in the arguments or the environment of a process of ours', async () => {
  const { project } = cluster
  const secrets = await readSecrets()
  const read = ['sh', '-c', 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null || true']
  const others = [...jobs, 'postgres']

  for (const service of (await project.services()).filter((name) => !others.includes(name))) {
    const text = await project.compose('exec', '-T', service, ...read)
    expect([service, text]).toEqual([service, expect.stringContaining('PATH=')])
    expect([service, secrets.filter((secret) => text.includes(secret))]).toEqual([service, []])
  }
})

test('a container has the secrets that it needs, and no others', async () => {
  const list = async (service: string): Promise<string[]> => {
    const names = await cluster.project.compose(
      'exec',
      '-T',
      service,
      'ls',
      '/run/secrets/corroport',
    )
    return names.trim().split('\n')
  }

  expect(await list('ack-sender1')).toEqual(['metrics.token', 'nats.password'])
  expect(await list('subscriber1')).toEqual(['agent.token', 'metrics.token', 'nats.password'])
  expect(await list('gateway1')).toEqual([
    'agent.token',
    'database.url',
    'metrics.token',
    'nats.password',
  ])
  expect(await list('nats')).toEqual(['nats.conf'])
  expect(await list('postgres')).toEqual(['owner.password'])
})

test.each([
  ['agents'],
  ['dev-agents'],
  ['agents', 'observability', 'cli'],
  ['dev-agents', 'dev-observability', 'cli'],
])('the compose file is valid with %s', async (...profiles) => {
  const chosen = profiles.flatMap((profile) => ['--profile', profile])

  await expect(cluster.project.compose(...chosen, 'config', '--quiet')).resolves.toBe('')
})

test.each([2, 5, 20])('the compose file is valid with an override for %i nodes', async (count) => {
  using folder = createTemporaryFolder()
  const { project } = cluster
  const file = join(root, 'docker-compose.yml')
  const override = join(folder.path, 'override.yml')
  writeFileSync(override, composeNodes(readFileSync(file, 'utf8'), count))
  const files = ['--file', file, '--file', override, '--env-file', '/dev/null']

  const services = await project.docker('compose', ...files, 'config', '--services')

  expect(services.match(/^gateway\d+$/gm)).toHaveLength(count)
})

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
const named = /^docker compose ((?:run --rm (?:cli|migrate|deploy compose-nodes)|kill) [^>\n]+)/gm

test.each([...readme.matchAll(named)].map(([, text = '']) => text.trim()))(
  'docker compose %s, as the README has it, can be done',
  async (text) => {
    const { project } = cluster
    // `cluster status` ends with 1 while an agent is suspected, as it is right after a restart.
    const ready = ['cluster', 'status', '--wait', 'ready', '--timeout', '60s']
    await project.compose('run', '--rm', 'cli', ...ready)

    await expect(project.compose(...text.split(' '))).resolves.toBeDefined()
  },
)
