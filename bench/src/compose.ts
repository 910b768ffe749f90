// The compose file under 50 messages a second, while each of its containers dies once, a node is cut
// off, NATS and Postgres are restarted, and every service is replaced behind a load balancer.
import { setTimeout as wait } from 'node:timers/promises'
import { type Api, createApi } from '@corroport/docker/src/api.ts'
import { handInAgent } from '@corroport/docker/src/hand-in-agent.ts'
import { sendUntil } from '@corroport/docker/src/load.ts'
import { findMiscounts } from '@corroport/docker/src/miscounts.ts'
import { createProject, removeLeftovers } from '@corroport/docker/src/project.ts'
import { freePort } from '@corroport/testing'
import { requireDocker } from '../../infra/setup/docker.mjs'
import { findAgent } from '../../infra/setup/find-agent.mjs'
import { onPath } from '../../infra/setup/program.mjs'
import { SetupError } from '../../infra/setup/setup-error.mjs'
import { type LoadBalancer, startLoadBalancer } from './load-balancer.ts'
import { type Result, writeResult } from './result.ts'

const say = (line: string): void => console.error(line)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const prefix = 'corroport-bench-'
const nodeIds = ['node1', 'node2', 'node3']
const ratePerSecond = 50
const cutMs = 30_000
// In these, the load balancer has noticed that a gateway is about to end.
const stopDelayMs = 5000
const countDeadlineMs = 120_000
const factors: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
const once = ['nats', 'postgres', 'analytics']
const ofNode = ['agent', 'subscriber', 'ack-sender', 'config-manager', 'gateway']

interface Phase {
  name: string
  durationMs: number
  attempted: number
  accepted: number
  failures: Record<string, number>
  /** Rows of Corrosion by the end of it, and what of them and all before is missing or told twice. */
  rows: number
  miscounts: string[]
  /** From its end until everything was told. */
  caughtUpMs: number
}

requireDocker()
const program = onPath('haproxy', process.env)[0]
if (program === undefined) {
  throw new SetupError(
    'There is no haproxy on this machine.',
    'install it: apt-get install haproxy.',
  )
}
await removeLeftovers(prefix, process.env)
const serverPorts = [await freePort(), await freePort(), await freePort()]
const port = await freePort()
const proxyUrl = `http://localhost:${port}`
const project = createProject(`${prefix}${process.pid}`, {
  ...process.env,
  IMAGE_TAG: 'bench',
  COMPOSE_PROFILES: 'agents',
  AGENT_BIN: handInAgent(findAgent(process.env, 'real').path),
  STOP_DELAY_MS: String(stopDelayMs),
  ...Object.fromEntries(
    serverPorts.flatMap((each, index) => [
      [`NODE${index + 1}_PORT`, String(each)],
      [`NODE${index + 1}_URL`, proxyUrl],
    ]),
  ),
})
let result: Result
try {
  result = await measure()
} finally {
  await project.compose('down', '--volumes')
}
writeResult('compose', result)

async function measure(): Promise<Result> {
  say('building the images from nothing')
  const buildMs = await timed(() => project.compose('build', '--no-cache', 'init', 'agent1'))
  say('starting three nodes')
  const upMs = await timed(() => project.compose('up', '--wait'))
  const idle = await memory()
  const token = (await project.compose('run', '--rm', 'admin-token')).trim()
  const api = createApi(proxyUrl, token)
  await using balancer = await startLoadBalancer({ program: program ?? '', port, serverPorts })
  await balancer.sendsTo(3)
  const accepted: string[] = []
  const phases: Phase[] = []
  const during = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    say(`${name}, under ${ratePerSecond} messages/s`)
    const { phase, value } = await underLoad(name, { api, accepted, act })
    phases.push(phase)
    await balancer.sendsTo(3)
    return value
  }

  const quiet = await during('nothing', () => wait(20_000))
  const killed = await during('every container killed once', killEach)
  const cut = await during(`node2 cut off for ${cutMs / 1000} s`, cutOff)
  const restarted = await during('nats and postgres restarted', restartBoth)
  const replaced = await during('every service replaced', () => replaceEach(balancer))
  const busy = await memory()
  return {
    figures: figuresOf({ phases, buildMs, upMs, idle, busy, killed, cut, restarted, replaced }),
    raw: { phases, buildMs, upMs, idle, busy, quiet, killed, cut, restarted, replaced },
  }
}

type Times = Record<string, number>

function figuresOf(measured: {
  phases: readonly Phase[]
  buildMs: number
  upMs: number
  idle: Times
  busy: Times
  killed: Times
  cut: Times
  restarted: Times
  replaced: Times
}): Result['figures'] {
  const { phases, buildMs, upMs, idle, busy, killed, cut, restarted, replaced } = measured
  const [quietPhase, killPhase, cutPhase, restartPhase, replacePhase] = phases
  const lost = (phase: Phase | undefined): string =>
    `${phase?.accepted} accepted of ${phase?.attempted}, ${phase?.miscounts.length} facts missing or told twice; all told ${seconds(phase?.caughtUpMs ?? 0)} later`
  const isWhole = (phase: Phase | undefined): boolean =>
    phase !== undefined && phase.miscounts.length === 0 && phase.accepted > 0
  const failed = (phase: Phase | undefined): number =>
    (phase?.attempted ?? 0) - (phase?.accepted ?? 0)
  const baseline = `nobody harmed: ${lost(quietPhase)}`
  const list = (times: Times): string =>
    Object.entries(times)
      .map(([name, ms]) => `${name} ${seconds(ms)}`)
      .join(', ')
  return [
    {
      name: '`docker compose up --wait`: three nodes, real agents',
      measured: `images ${seconds(buildMs)} (agent handed in), healthy ${seconds(upMs)} later; memory of all containers ${megabytes(idle)}, after this run ${megabytes(busy)}`,
      baseline: '–',
      bar: 'healthy, and the messages below acknowledged by two others',
      isMet: isWhole(quietPhase),
    },
    {
      name: 'each container killed once (`docker kill`) and started again',
      measured: `${lost(killPhase)}; killed → ready: ${list(killed)}`,
      baseline,
      bar: '0 lost, 0 counted twice',
      isMet: isWhole(killPhase),
    },
    {
      name: `the containers of a node without network for ${cutMs / 1000} s`,
      measured: `${lost(cutPhase)}; network → ready: ${list(cut)}`,
      baseline,
      bar: '0 lost, 0 counted twice',
      isMet: isWhole(cutPhase),
    },
    {
      name: 'NATS and Postgres restarted',
      measured: `${lost(restartPhase)}; asked → ready: ${list(restarted)}`,
      baseline,
      bar: '0 lost, 0 counted twice',
      isMet: isWhole(restartPhase),
    },
    {
      name: 'every service replaced, one after another, behind an HAProxy that asks for readiness',
      measured: `${failed(replacePhase)} failed calls of ${replacePhase?.attempted}; ${lost(replacePhase)}; asked → healthy: ${list(replaced)}`,
      baseline: `nobody harmed: ${failed(quietPhase)} failed calls of ${quietPhase?.attempted}`,
      bar: '0 failed calls, 0 lost',
      isMet: isWhole(replacePhase) && failed(replacePhase) === 0,
    },
  ]
}

async function underLoad<T>(
  name: string,
  { api, accepted, act }: { api: Api; accepted: string[]; act: () => Promise<T> },
): Promise<{ phase: Phase; value: T }> {
  const ending = new AbortController()
  const startedAt = performance.now()
  const sending = sendUntil(ending.signal, { apis: [api], ratePerSecond })
  let value: T
  try {
    value = await act()
  } finally {
    ending.abort()
  }
  const load = await sending
  const endedAt = performance.now()
  accepted.push(...load.accepted)
  const counted = await countUntilWhole(api, accepted)
  const phase = {
    name,
    durationMs: endedAt - startedAt,
    attempted: load.attempted,
    accepted: load.accepted.length,
    failures: Object.fromEntries(load.failures),
    rows: counted.rows,
    miscounts: counted.found.slice(0, 20),
    caughtUpMs: performance.now() - endedAt,
  }
  return { phase, value }
}

/** What is missing or told twice when nothing is any more, or when that has taken too long. */
async function countUntilWhole(api: Api, accepted: readonly string[]) {
  const deadline = performance.now() + countDeadlineMs
  for (;;) {
    try {
      const counted = await findMiscounts(api, { accepted, nodeIds })
      if (counted.found.length === 0 || performance.now() > deadline) return counted
    } catch (error) {
      // Analytics may still be waiting for Postgres.
      if (performance.now() > deadline) throw error
    }
    await wait(250)
  }
}

async function killEach(): Promise<Times> {
  const times: Times = {}
  const all = [...once, ...[1, 2, 3].flatMap((node) => ofNode.map((name) => `${name}${node}`))]
  for (const service of all) {
    const container = project.container(service)
    times[service] = await timed(async () => {
      await project.docker('kill', container)
      await project.docker('start', container)
      await ready(service)
    })
  }
  return times
}

async function cutOff(): Promise<Times> {
  const services = ofNode.map((name) => `${name}2`)
  const network = `${project.name}_default`
  await Promise.all(
    services.map((service) =>
      project.docker('network', 'disconnect', network, project.container(service)),
    ),
  )
  await wait(cutMs)
  // In another order than before: others get their addresses.
  for (const service of services.toReversed()) {
    await project.docker(
      'network',
      'connect',
      '--alias',
      service,
      network,
      project.container(service),
    )
  }
  const times = services.map(async (service) => [service, await timed(() => ready(service))])
  return Object.fromEntries(await Promise.all(times))
}

async function restartBoth(): Promise<Times> {
  const times: Times = {}
  for (const service of ['nats', 'postgres']) {
    times[service] = await timed(async () => {
      await project.docker('restart', project.container(service))
      await ready(service)
    })
  }
  // What follows them.
  times.analytics = await timed(() => ready('analytics'))
  return times
}

async function replaceEach(balancer: LoadBalancer): Promise<Times> {
  const times: Times = {}
  const services = [1, 2, 3].flatMap((node) =>
    ofNode.filter((name) => name !== 'agent').map((name) => `${name}${node}`),
  )
  for (const service of [...services, 'analytics']) {
    const up = ['up', '--detach', '--wait', '--no-deps', '--force-recreate', service]
    times[service] = await timed(() => project.compose(...up))
    await balancer.sendsTo(3)
  }
  return times
}

/** Resolves when it says so itself, not when docker has noticed. */
async function ready(service: string): Promise<void> {
  const container = project.container(service)
  const look = ((): (() => Promise<unknown>) => {
    if (service.startsWith('agent'))
      return () => project.docker('exec', container, 'agent-loop', 'ready')
    if (service === 'postgres')
      return () => project.docker('exec', container, 'pg_isready', '-q', '-h', '127.0.0.1')
    const path = service === 'nats' ? ':8222/healthz' : ':9100/health/ready'
    return async () => {
      const networks = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
      const address = (await project.docker('inspect', '--format', networks, container)).trim()
      const response = await fetch(`http://${address}${path}`, {
        signal: AbortSignal.timeout(1000),
      })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`${response.status}`)
    }
  })()
  const deadline = performance.now() + 120_000
  for (;;) {
    try {
      await look()
      return
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`${service} is not ready`, { cause: error })
    }
    await wait(200)
  }
}

/** Of each container, in bytes. */
async function memory(): Promise<Times> {
  const ids = (await project.compose('ps', '--quiet')).trim().split('\n')
  const format = '{{.Name}} {{.MemUsage}}'
  const lines = (await project.docker('stats', '--no-stream', '--format', format, ...ids)).trim()
  return Object.fromEntries(
    lines.split('\n').map((line) => {
      const [, name = '', amount = '0', unit = 'B'] =
        /^\S*?-\d+-(\S+)-1 ([\d.]+)([KMG]?i?B)/.exec(line) ?? []
      return [name, Number(amount) * (factors[unit] ?? Number.NaN)]
    }),
  )
}

function megabytes(bytes: Times): string {
  const sum = Object.values(bytes).reduce((a, b) => a + b, 0)
  return `${Math.round(sum / 1e6)} MB`
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}
