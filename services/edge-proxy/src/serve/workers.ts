import { once } from 'node:events'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { createAffinity } from '../balance/affinity.ts'
import { createArrangement, type Offered } from '../balance/arrange.ts'
import { type Balancer, createBalancer } from '../balance/balancer.ts'
import {
  type ClientCounts,
  createClientCounts,
  openClientCounts,
} from '../balance/client-counts.ts'
import {
  createSharedBackends,
  openSharedBackends,
  type SharedBackends,
} from '../balance/shared-backends.ts'
import type { Address } from './connect.ts'
import { type Counters, createCounters, openCounters } from './counters.ts'
import type { Decision } from './decision.ts'
import type { Slotted } from './directory.ts'
import type {
  Certificate,
  FromWorker,
  Listener,
  ServeSettings,
  SharedMemory,
  ToWorker,
  WorkerSettings,
} from './worker-messages.ts'

/** A backend with its address, for the threads that route to it. */
export type Placed = Offered & Address

/** The threads that serve, and the memory that they share. */
export interface Workers extends AsyncDisposable {
  readonly shared: SharedBackends
  readonly balancer: Balancer
  readonly counters: readonly Counters[]
  readonly clients: ClientCounts
  /** Memory of the affinity; undefined: there is none. */
  readonly affinity: SharedArrayBuffer | undefined
  /** Clients are served from then on. Gives where: a port 0 has become a real one. Throws where one is taken. */
  listen(listeners: readonly Listener[]): Promise<readonly Listener[]>
  /** Rejects when a thread has failed. */
  readonly failed: Promise<never>
  /** All backends that there are; `apps` interns their names. Returns ids for which there was no room. */
  arrange(backends: readonly Placed[], apps: ReadonlyMap<string, number>): readonly string[]
  slotOf(id: string): number | undefined
  useCertificates(certificates: readonly Certificate[]): void
  useCountries(database: SharedArrayBuffer): void
  /** Accepts no more, and waits for what is open; what is left at the deadline is broken off. */
  drain(deadlineMs: number): Promise<void>
}

export interface WorkersOptions {
  threads: number
  affinityEntries: number
  settings: ServeSettings
  onDecision: (decision: Decision) => void
}

// While what is young is collected nobody is served: half a millisecond for semi-spaces of 2 MB, which
// are a third of this.
const resourceLimits = { maxYoungGenerationSizeMb: 6 }

export function startWorkers(options: WorkersOptions): Workers {
  const { threads, onDecision } = options
  // Under load V8 takes sockets for objects that live long and makes them old at once. Old ones keep
  // all that they name until the next great collection: a third of what is young was copied each time,
  // for connections that were over.
  setFlagsFromString('--no-allocation-site-pretenuring')
  if (availableParallelism() <= threads) collectAlone()
  const { settings } = options
  const memory: SharedMemory = {
    backends: createSharedBackends(),
    affinity:
      settings.affinityTtlSeconds === 0 ? undefined : createAffinity(options.affinityEntries),
    clients: createClientCounts(settings.mostConnections),
  }
  const shared = openSharedBackends(memory.backends)
  const arrangement = createArrangement(shared, settings.balancer.spillsAtSoftLimit)
  const counterBuffers = Array.from({ length: threads }, createCounters)
  const workers = counterBuffers.map((counters) => {
    const workerData: WorkerSettings = { ...settings, memory, counters }
    return new Worker(new URL('worker.ts', import.meta.url), { workerData, resourceLimits })
  })
  let slots: ReadonlyMap<string, number> = new Map()
  const told = new Map<number, Slotted>()
  const tellAll = (message: ToWorker): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    for (const worker of workers) worker.postMessage(message)
  }

  const failed = Promise.race(
    workers.map(async (worker) => {
      const [error] = await once(worker, 'error')
      throw new Error('a thread of the proxy failed', { cause: error })
    }),
  )
  failed.catch(() => undefined) // whoever runs the proxy looks at it
  const exits = workers.map((worker) => once(worker, 'exit'))
  for (const worker of workers) {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'decision') onDecision(message.decision)
    })
  }
  return {
    shared,
    balancer: createBalancer(shared, settings.balancer),
    counters: counterBuffers.map(openCounters),
    clients: openClientCounts(memory.clients, settings),
    affinity: memory.affinity,
    failed,

    async listen(wanted) {
      const listeners = await claimPorts(wanted)
      const listening = workers.map((worker) => heard(worker, 'listening'))
      tellAll({ kind: 'listen', listeners })
      await Promise.race([Promise.all(listening), failed])
      return listeners
    },

    arrange(backends, apps) {
      const byId = new Map(backends.map((backend) => [backend.id, backend]))
      const { left, slots: arranged } = arrangement.arrange(backends, (assigned) => {
        const news = [...assigned].flatMap(([id, slot]) => {
          const backend = byId.get(id)
          if (!backend) return []
          const { host, port } = backend
          const known = told.get(slot)
          if (known?.id === id && known.host === host && known.port === port) return []
          const slotted = { slot, id, host, port }
          told.set(slot, slotted)
          return slotted
        })
        tellAll({ kind: 'backends', news, apps })
      })
      slots = arranged
      return left
    },

    slotOf: (id) => slots.get(id),

    useCertificates: (certificates) => tellAll({ kind: 'certificates', certificates }),

    useCountries: (database) => tellAll({ kind: 'countries', database }),

    async drain(deadlineMs) {
      tellAll({ kind: 'drain' })
      const deadline = setTimeout(() => tellAll({ kind: 'cut-off' }), deadlineMs)
      await Promise.all(exits)
      clearTimeout(deadline)
    },

    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

async function heard(worker: Worker, kind: FromWorker['kind']): Promise<void> {
  await new Promise<void>((resolve) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === kind) resolve()
    })
  })
}

/** Threads share a port, which the system would grant to another process of the same user as well. */
async function claimPorts(listeners: readonly Listener[]): Promise<Listener[]> {
  const claims = await Promise.all(
    listeners.map(async (listener) => {
      const server = createServer()
      server.listen({ host: listener.host, port: listener.port, exclusive: true })
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('listens on no port')
      return { server, listener: { ...listener, port: address.port } }
    }),
  )
  for (const { server } of claims) {
    server.close()
    await once(server, 'close')
  }
  return claims.map(({ listener }) => listener)
}

/** Helpers of the garbage collector would take the cores from the threads that wait for them. */
function collectAlone(): void {
  for (const flag of ['parallel-scavenge', 'concurrent-marking', 'concurrent-sweeping']) {
    setFlagsFromString(`--no-${flag}`)
  }
}
