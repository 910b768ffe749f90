// A thread that accepts, chooses and carries. All that it knows of the table is in shared memory, and
// in what the main thread has told it.
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openAffinity } from '../balance/affinity.ts'
import { createBalancer } from '../balance/balancer.ts'
import { openClientCounts } from '../balance/client-counts.ts'
import { Head, openSharedBackends } from '../balance/shared-backends.ts'
import { intAt } from '../balance/typed-arrays.ts'
import { createCountries } from '../geo/countries.ts'
import { createWhereabouts } from '../geo/whereabouts.ts'
import { readServerName } from '../wire/client-hello.ts'
import { readProxyHeader, writeProxyHeader } from '../wire/proxy-protocol.ts'
import { openCounters } from './counters.ts'
import { createSampler } from './decision.ts'
import { createDirectory } from './directory.ts'
import { createRouter } from './router.ts'
import { createServing } from './serve.ts'
import { createTermination } from './terminate.ts'
import type { FromWorker, Listener, ToWorker, WorkerSettings } from './worker-messages.ts'

const settings: WorkerSettings = workerData
const port = parentPort
if (!port) throw new Error('this runs as a worker thread only')
const say = (message: FromWorker): void => port.postMessage(message)
const lookEveryMs = 1000

const shared = openSharedBackends(settings.memory.backends)
const counters = openCounters(settings.counters)
const clients = openClientCounts(settings.memory.clients, settings)
const affinity =
  settings.memory.affinity &&
  openAffinity(settings.memory.affinity, {
    ttlSeconds: settings.affinityTtlSeconds,
    seed: settings.seed,
    epochOf: (slot) => intAt(shared.epoch, slot),
  })
const balancer = createBalancer(shared, settings.balancer)
const directory = createDirectory()
const countries = createCountries()
const whereIs = createWhereabouts(countries, {
  byCountry: settings.regions,
  names: settings.regionNames,
})
const termination = createTermination(settings.headTimeoutMs)
let apps: ReadonlyMap<string, number> = new Map()
let arrangement = -1

/** Of the machine, so that all threads mean the same. */
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

const route = createRouter({
  ...settings,
  balancer,
  affinity,
  counters,
  backendAt(slot) {
    catchUp()
    return directory.at(slot)
  },
  now,
  random: Math.random,
  isSampled: createSampler(settings.decisionsPerSecond, now),
  isFailureSampled: createSampler(settings.decisionsPerSecond, now),
  tell: (decision) => say({ kind: 'decision', decision }),
})

const serving = createServing({
  clients,
  counters,
  route,
  callerOf(client, words, app) {
    catchUp()
    const number = settings.isOneApp ? 0 : apps.get(app)
    if (number === undefined) return undefined
    const { country, region, wanted } = whereIs(client)
    return { client, words, app, country, region, wanted: { app: number, ...wanted } }
  },
  appOf(serverName) {
    if (settings.isOneApp) return ''
    if (serverName === undefined) return undefined
    const named = settings.serverNames[serverName]
    if (named !== undefined) return named
    const suffix = `.${settings.domain}`
    return serverName.endsWith(suffix) ? serverName.slice(0, -suffix.length) : undefined
  },
  readProxyHeader(bytes) {
    const found = readProxyHeader(bytes)
    return found.state === 'done' ? { ...found, head: found.source } : found
  },
  readServerName(bytes) {
    const found = readServerName(bytes)
    return found.state === 'done' ? { state: 'done', length: 0, head: found.serverName } : found
  },
  terminate: (socket, onDone) => termination.terminate(socket, onDone),
  headTimeoutMs: settings.headTimeoutMs,
  idleMs: settings.idleMs,
  writeProxyHeader: settings.sendsProxyHeader ? writeProxyHeader : undefined,
  onEnded: sayWhenDrained,
})

/** News are said before numbers change, so whoever has seen a new number finds them waiting. */
function catchUp(): void {
  const current = Atomics.load(shared.heads, Head.arrangement)
  if (current === arrangement || !port) return
  arrangement = current
  for (let news = receiveMessageOnPort(port); news; news = receiveMessageOnPort(port)) {
    const message: ToWorker = news.message
    handle(message)
  }
}

let isDraining = false
const servers: Server[] = []

function handle(message: ToWorker): void {
  if (message.kind === 'listen') {
    void listenOn(message.listeners)
  } else if (message.kind === 'backends') {
    apps = message.apps
    directory.apply(message.news)
  } else if (message.kind === 'certificates') {
    termination.use(message.certificates)
  } else if (message.kind === 'countries') {
    countries.use(message.database)
  } else if (message.kind === 'drain') {
    isDraining = true
    for (const server of servers) server.close()
    sayWhenDrained()
  } else {
    serving.cutOff()
  }
}

function sayWhenDrained(): void {
  if (!isDraining || serving.open > 0) return
  clearInterval(looking)
  serving.lookAtOpen()
  say({ kind: 'drained' })
  port?.close()
}

async function listenOn(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(
    listeners.flatMap((listener) =>
      Array.from({ length: settings.socketsOfListener }, () => listen(listener)),
    ),
  )
  say({ kind: 'listening' })
}

async function listen(listener: Listener): Promise<void> {
  const { host, port: number } = listener
  // What needs no looking at is read while its backend is connected to, so that it can go on at once.
  const pauseOnConnect = listener.hasProxyHeader || listener.tls !== 'none'
  const server = createServer({ allowHalfOpen: true, pauseOnConnect, noDelay: true }, (socket) =>
    serving.take(socket, listener),
  )
  server.listen({ host, port: number, reusePort: true, backlog: settings.backlog })
  servers.push(server)
  await once(server, 'listening')
  // No descriptors: those that wait are taken when there are some again.
  server.on('error', () => counters.count('acceptErrors'))
}

port.on('message', handle)
const looking = setInterval(() => serving.lookAtOpen(), lookEveryMs)
