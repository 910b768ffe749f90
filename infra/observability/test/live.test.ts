// A whole cluster, a real Prometheus that asks all of it, and what is left when parts are away.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, sendSteadily, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { allDashboards } from '../src/dashboards/dashboards.ts'
import { type Exposed, readExposition } from '../src/exposition.ts'
import { metricNamesIn } from '../src/expression.ts'
import { agentMetrics, isRegistered, metrics, nodeMetrics } from '../src/metrics.ts'
import { nodeServices } from '../src/targets.ts'
import { keepBuildsBusy } from './builds.ts'
import { type Edge, startEdge } from './edge.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { writeQuickRules } from './quick-rules.ts'

jest.setTimeout(90_000)

const token = 'only-for-the-eyes-of-prometheus'
const resources = new AsyncDisposableStack()
const home = resources.use(createTemporaryFolder())
const data = resources.use(createTemporaryFolder())
let cluster: Cluster
let edge: Edge
let prometheus: Prometheus
/** By service: what one process of each exposes. */
let exposed: Map<string, Exposed[]>

beforeAll(async () => {
  cluster = await startCluster({
    home: home.path,
    portOffset: 'free',
    isProcessPerService: true,
    analytics: true,
    builds: true,
    environment: { ...process.env, DATABASE_URL: undefined, METRICS_TOKEN: token },
  })
  const { postgresFolder } = cluster.layout
  resources.defer(() => rmSync(postgresFolder, { recursive: true, force: true }))
  resources.defer(() => cluster.kill())
  await cluster.ready()
  edge = resources.use(await startEdge(cluster, token))
  resources.use(await keepBuildsBusy(cluster))
  prometheus = resources.use(await startPrometheus(data.path, prepareConfig(data.path)))
  await send()
  exposed = new Map(
    await Promise.all(
      [
        ...nodeServices.map((name): [string, string] => [name, addressOf(`node1-${name}`)]),
        ['analytics', addressOf('analytics')] as const,
        ['build-controller', addressOf('builds')] as const,
        ['edge-proxy', edge.metrics] as const,
      ].map(
        async ([name, address]): Promise<[string, Exposed[]]> => [
          name,
          readExposition(await scrape(address)),
        ],
      ),
    ),
  )
}, 90_000)
afterAll(() => resources.disposeAsync())

/** The configuration as it is, with what it names in this folder, and quicker. */
function prepareConfig(folder: string): string {
  const path = join(import.meta.dirname, '../prometheus/prometheus.yml')
  mkdirSync(join(folder, 'targets'))
  writeFileSync(join(folder, 'targets/corroport.json'), JSON.stringify(serviceTargets()))
  writeFileSync(join(folder, 'targets/corrosion.json'), JSON.stringify(agentTargets()))
  writeFileSync(join(folder, 'metrics.token'), token)
  writeQuickRules(folder)
  return readFileSync(path, 'utf8')
    .replaceAll('/run/secrets/corroport/', `${folder}/`)
    .replaceAll(/(interval|timeout): \d+s/g, '$1: 1s')
}

async function scrape(address: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  return await (await fetch(`http://${address}/metrics`, { headers })).text()
}

async function send(): Promise<void> {
  const urls = cluster.nodes.map(({ apiUrl }) => apiUrl)
  const { answered, attempted } = await sendSteadily({ urls, ratePerSecond: 20, durationMs: 3000 })
  if (answered !== attempted) throw new Error(`${answered} of ${attempted} sends were answered`)
}

function addressOf(part: string): string {
  return `127.0.0.1:${cluster.part(part).definition.env.METRICS_PORT}`
}

function serviceTargets() {
  return [
    ...cluster.nodes.flatMap(({ nodeId }) =>
      nodeServices.map((service) => ({
        targets: [addressOf(`${nodeId}-${service}`)],
        labels: { node: nodeId, service },
      })),
    ),
    { targets: [addressOf('analytics')], labels: { service: 'analytics' } },
    { targets: [addressOf('builds')], labels: { service: 'build-controller' } },
    { targets: [edge.metrics], labels: { node: 'node1', service: 'edge-proxy' } },
  ]
}

function agentTargets() {
  return cluster.nodes.map(({ nodeId, configPath }) => {
    const [, address = ''] =
      /^prometheus\.addr = "(.+)"/m.exec(readFileSync(configPath, 'utf8')) ?? []
    return { targets: [address], labels: { node: nodeId } }
  })
}

const allFire = async (alerts: readonly string[]): Promise<boolean> => {
  const firing = await prometheus.firing()
  return alerts.every((alert) => firing.includes(alert))
}

const noneFires = async (alerts: readonly string[]): Promise<boolean> => {
  const firing = await prometheus.firing()
  return !alerts.some((alert) => firing.includes(alert))
}

test("every process exposes what the registry says of it, Node's own, and nothing else", () => {
  for (const [service, found] of exposed) {
    const own = found
      .filter(({ name }) => !nodeMetrics.includes(name))
      .map(({ name, type, help }) => ({ name, type, help }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const expected = metrics
      .filter(({ by }) => by.includes(service))
      .map(({ name, type, help }) => ({ name, type, help }))

    expect({ service, own }).toEqual({ service, own: expected })
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining([...nodeMetrics]))
  }
})

test('every label is one of the registry, and its values are within its bound', () => {
  const strays = [...exposed].flatMap(([service, found]) =>
    found
      .filter(({ name }) => !nodeMetrics.includes(name))
      .flatMap(({ name, series }) => {
        const bounds = metrics.find((metric) => metric.name === name)?.labels ?? {}
        return series
          .flatMap((labels) => Object.entries(labels))
          .filter(([label, value]) => !bounds[label]?.holds(value))
          .map(([label, value]) => `${service}: ${name}{${label}="${value}"}`)
      }),
  )

  expect(strays).toEqual([])
})

test('what is asked of agents is exposed by real ones, under names that services do not use', async () => {
  const own = metrics.map(({ name }) => name)
  const [target] = agentTargets()
  const ofAgent = readExposition(await scrape(target?.targets[0] ?? '')).map(({ name }) => name)

  expect(ofAgent.filter((name) => own.includes(name))).toEqual([])
  const wanted = cluster.agents?.kind === 'real' ? agentMetrics : []
  expect(ofAgent).toEqual(expect.arrayContaining([...wanted]))
})

test('every panel of every dashboard has data', async () => {
  const isThere = (name: string): boolean =>
    cluster.agents?.kind === 'real' || !agentMetrics.some((metric) => name.startsWith(metric))
  const queries = allDashboards
    .flatMap(({ rows }) => rows.flatMap(({ panels }) => panels))
    .flatMap(({ title, queries: named }) => Object.values(named).map((query) => ({ title, query })))
    .filter(({ query }) => metricNamesIn(query).every(isThere))
  const empty = async () => {
    const answers = await Promise.all(
      queries.map(async ({ title, query }) => ({
        title,
        query,
        found: await prometheus.query(
          query.replaceAll('$__rate_interval', '20s').replaceAll('$node', '.*'),
        ),
      })),
    )
    return answers
      .filter(({ found }) => found.every(({ value }) => Number.isNaN(value)))
      .map(({ title, query }) => `${title}: ${query}`)
  }

  // A rate has data after the second look of Prometheus, a quantile once something happened between.
  await send()
  await until(async () => (await empty()).length === 0, 30_000).catch(() => undefined) // told below

  expect(queries.length).toBeGreaterThan(50)
  expect(await empty()).toEqual([])
  expect(
    queries.flatMap(({ query }) => metricNamesIn(query)).filter((n) => !isRegistered(n)),
  ).toEqual([])
})

test('a cluster that is well has no alert', async () => {
  await until(async () => (await prometheus.firing()).length === 0)

  expect(await prometheus.query('sum(up{job=~"corroport|corrosion"})')).toMatchObject([
    { value: 18 },
  ])
})

const onEachNode = (alert: string): string[] =>
  cluster.nodes.map(({ nodeId }) => `${alert} ${nodeId}`)

test('an agent and a service that are gone are told by their names, and not when they are back', async () => {
  const { agent } = cluster.node(2)
  const subscriber = cluster.node(3).service('subscriber')
  const alerts = ['CorroAgentDown node2', 'CorroServiceDown node3']
  await Promise.all([agent.kill(), subscriber.kill()])

  await until(() => allFire(alerts), 60_000)

  agent.start()
  subscriber.start()
  await until(() => noneFires(alerts), 60_000)
})

test('a NATS that is gone is told by every node', async () => {
  const alerts = onEachNode('CorroNatsDown')
  await cluster.nats?.kill()

  await until(() => allFire(alerts), 60_000)

  expect(await noneFires(onEachNode('CorroServiceDown'))).toBe(true)
  cluster.nats?.start()
  await until(() => noneFires(alerts), 60_000)
})

test('a Postgres that is gone is told by every node, and that analytics does not work', async () => {
  const postgres = cluster.part('postgres')
  const alerts = [...onEachNode('CorroPostgresDown'), 'CorroAnalyticsIdle']
  await postgres.stop()

  await until(() => allFire(alerts), 60_000)

  postgres.start()
  await until(() => noneFires(alerts), 60_000)
})
