import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@corroport/bus'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createActions } from './api/actions.ts'
import { startApi } from './api/api.ts'
import { createBackendStatus } from './backend-status.ts'
import { openAffinity } from './balance/affinity.ts'
import { Reach } from './balance/shared-backends.ts'
import { intAt } from './balance/typed-arrays.ts'
import { openCertificates } from './certificates.ts'
import type { Config } from './config.ts'
import { startDns } from './dns-server.ts'
import { createDecisions } from './explain/decisions.ts'
import { explainRoute } from './explain/explain-route.ts'
import { followTable } from './follow-table.ts'
import { createCountries } from './geo/countries.ts'
import { openCountryFile } from './geo/country-file.ts'
import { createWhereabouts } from './geo/whereabouts.ts'
import { createEdgeMetrics } from './metrics.ts'
import { startProbes } from './reach/probes.ts'
import { createResolver } from './reach/resolver.ts'
import { createRouting, type Routing } from './routing.ts'
import type { Listener } from './serve/worker-messages.ts'
import { startWorkers } from './serve/workers.ts'
import { createStatus, tableStatus } from './status.ts'
import { createBackendTable } from './table/backend-table.ts'
import { createLeases } from './table/leases.ts'
import { startVoice, type Voice } from './voice.ts'
import { writeBackend } from './write-backend.ts'

export { answers, says } from './voice.ts'

export interface EdgeProxyDeps {
  /** Undefined: nobody is told, and nobody asks. */
  bus: Bus | undefined
  log: Logger
  health: Health
  metrics: Registry
}

export interface EdgeProxy extends AsyncDisposable {
  /** As they are listened on, in the order of the configuration. */
  readonly ports: readonly number[]
  readonly apiPort: number | undefined
  readonly dnsPort: number | undefined
  /** Rejects when a thread has failed. */
  readonly failed: Promise<never>
}

const resolveEveryMs = 30_000
const trialsEveryMs = 100
const dnsTtlSeconds = 5
const seenWithinMs = 2000
const seenLookMs = 5
const firstTableWithinMs = 5000

/** What the agent has written is read here, and routed, a moment later. */
async function seen(isSo: () => boolean, withinMs = seenWithinMs): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!isSo() && performance.now() < deadline) await wait(seenLookMs)
}

/** Routes TCP to the backends of the table. Resolves when it listens; disposing of it drains first. */
export async function startEdgeProxy(config: Config, deps: EdgeProxyDeps): Promise<EdgeProxy> {
  const { log, health } = deps
  for (const warning of config.warnings) log.warn({ warning }, 'setting')
  await using stack = new AsyncDisposableStack()
  let listeners: readonly Listener[] = []
  const portsOf = (): number[] => listeners.map(({ port }) => port)
  health.depend('listeners', () => ({ ok: listeners.length > 0, detail: portsOf().join(', ') }))
  let voice: Voice | undefined
  const decisions = createDecisions((slot) => routing?.idAt(slot))
  let routing: Routing | undefined
  const seed = randomInt(2 ** 31)
  const workers = stack.use(
    startWorkers({
      threads: config.threads,
      affinityEntries: config.affinityEntries,
      settings: { ...config.serve, seed },
      onDecision: (decision) => voice?.decided(decisions.add(decision)),
    }),
  )
  const { shared, balancer, counters } = workers
  // Steady, and the same in all threads.
  const steady = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

  stack.use(openCertificates(config.certificates, (loaded) => workers.useCertificates(loaded), log))
  const countries = createCountries()
  const whereIs = createWhereabouts(countries, config.regions)
  stack.use(
    openCountryFile({
      path: config.geoPath,
      onLoad(database) {
        countries.use(database)
        workers.useCountries(database)
      },
      log,
    }),
  )

  const leases = createLeases({ steady, wall: Date.now })
  const table = createBackendTable(config, leases)
  const resolver = stack.use(
    createResolver({
      everyMs: resolveEveryMs,
      refuse: config.addresses.refuse,
      onChange: () => routing?.update(),
    }),
  )
  const running = stack.use(
    createRouting({
      table,
      leases,
      resolver,
      workers,
      regionNames: config.regions.names,
      isOneApp: config.serve.isOneApp,
      steady,
      onChange(changes) {
        for (const { backend, refusal } of changes) {
          const { id, app, region } = backend
          const message = refusal === undefined ? 'backend takes connections' : 'backend takes none'
          log.info({ backend: id, app, region, refusal }, message)
          const to = refusal === undefined ? 'taking' : 'refused'
          voice?.moved({ id, app, to, reason: refusal ?? null })
        }
      },
      onGone({ id, app }) {
        log.info({ backend: id, app }, 'backend has no row any more')
        voice?.moved({ id, app, to: 'gone', reason: null })
      },
      onReach({ id, app, region }, isReached) {
        const message = isReached ? 'backend is taken again' : 'backend failed and is left out'
        log.warn({ backend: id, app, region }, message)
        voice?.moved({ id, app, to: isReached ? 'returned' : 'left-out', reason: null })
      },
      log,
    }),
  )
  routing = running

  const { source, registrations } = stack.use(
    followTable({ config, table, leases, onChange: () => running.update(), steady, log }),
  )

  const statusOf = createBackendStatus({ routing: running, registrations, wall: Date.now })
  const affinity =
    workers.affinity &&
    openAffinity(workers.affinity, {
      ttlSeconds: config.serve.affinityTtlSeconds,
      seed,
      epochOf: (slot) => intAt(shared.epoch, slot),
    })
  if (deps.bus) {
    voice = stack.use(
      startVoice({
        bus: deps.bus,
        nodeId: config.nodeId,
        status: createStatus({
          config,
          workers,
          listeners: () => listeners,
          routing: running,
          source: () => source.status,
        }),
        backends: () =>
          [...table.backends.values()].map(statusOf).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        setAside: () => [...table.setAside.values()],
        table: () => tableStatus(source.status),
        explain: ({ client, app = '', without }) => {
          const { country = null, region = null, wanted } = whereIs(client)
          const explained = explainRoute(
            {
              balancer,
              affinity,
              weight: shared.weight,
              idAt: (slot) => running.idAt(slot),
              nowSeconds: () => Math.floor(steady() / 1000),
            },
            { client, wanted: { app: running.appNumber(app) ?? -1, ...wanted }, without },
          )
          return { client, country, region, ownRegion: config.region ?? null, ...explained }
        },
        decisions: (limit) => decisions.last(limit),
        write: (request) => writeBackend({ config, table, registrations, seen, statusOf }, request),
      }),
    )
  }

  const trials = setInterval(() => {
    balancer.admitTrials(steady())
    running.lookAtReach()
  }, trialsEveryMs)
  stack.defer(() => clearInterval(trials))
  if (config.probes) {
    stack.use(
      startProbes({
        ...config.probes,
        backends: () => running.probed(),
        isCurrent: ({ slot, id }) => running.idAt(slot) === id,
        isEjected: (slot) => intAt(shared.reach, slot) !== Reach.open,
        onGood: (slot) => balancer.succeeded(slot),
        onBad: (slot) => balancer.failed(slot, steady()),
      }),
    )
  }

  const openConnections = (): number => workers.clients.total
  createEdgeMetrics(deps.metrics, {
    counters,
    backends: () => running.measured(),
    openConnections,
    affinityEntries: () => affinity?.count(Math.floor(steady() / 1000)) ?? 0,
    table: () => source.status,
    rows: () => running.count(),
  })

  const dns =
    config.dns &&
    stack.use(
      await startDns({
        ...config.dns,
        domain: config.domain,
        ttlSeconds: dnsTtlSeconds,
        lookup: ({ app, region }) => running.addressesOf(app, region),
        log,
      }),
    )
  const actions = createActions({
    config,
    table,
    source,
    registrations,
    statusOf,
    seen,
    openConnections,
  })
  const api = config.api && stack.use(await startApi({ ...config.api, actions, log }))

  health.depend('table', () => {
    const { isLive, state, reason, ageSeconds } = source.status
    const age = ageSeconds === null ? 'never in step' : `${Math.round(ageSeconds)} s old`
    // One that was in step once goes on with what it knows.
    const ok = isLive || ageSeconds !== null
    return { ok, detail: [state, isLive ? undefined : age, reason].filter(Boolean).join(', ') }
  })
  // Who comes before there is a table is turned away. An agent that is away may be so for long.
  await seen(() => source.status.isLive && running.isInStep, firstTableWithinMs)
  listeners = await workers.listen(config.listeners)
  const ports = portsOf()
  log.info({ ports, threads: config.threads }, 'routing')

  const rest = stack.move()
  return {
    ports,
    apiPort: api?.port,
    dnsPort: dns?.port,
    failed: workers.failed,
    async [Symbol.asyncDispose]() {
      await workers.drain(config.drainMs)
      await rest.disposeAsync()
    },
  }
}
