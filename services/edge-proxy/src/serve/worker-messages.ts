import type { BalancerOptions } from '../balance/balancer.ts'
import type { Decision } from './decision.ts'
import type { Slotted } from './directory.ts'
import type { Entrance } from './serve.ts'

/** Memory of all threads. */
export interface SharedMemory {
  backends: SharedArrayBuffer
  /** Undefined: nobody is given the same backend again. */
  affinity: SharedArrayBuffer | undefined
  clients: SharedArrayBuffer
}

export interface Listener extends Entrance {
  host: string
  port: number
}

/** How connections are served, the same in every thread. */
export interface ServeSettings {
  /** Of each listener in each thread: an event loop accepts one of each in a turn. */
  socketsOfListener: number
  backlog: number
  /** Where every app is one, and a listener has none. */
  isOneApp: boolean
  /** `<app>.<domain>` is a server name of the app. */
  domain: string
  /** Of other server names, in lower case. */
  serverNames: Readonly<Record<string, string>>
  balancer: BalancerOptions
  affinityTtlSeconds: number
  seed: number
  mostConnections: number
  mostOfClient: number
  connectTimeoutMs: number
  mostAttempts: number
  attemptsWithinMs: number
  headTimeoutMs: number
  idleMs: number
  sendsProxyHeader: boolean
  decisionsPerSecond: number
  /** Of its region, by country. */
  regions: ReadonlyMap<string, string>
  regionNames: readonly string[]
}

export interface WorkerSettings extends ServeSettings {
  memory: SharedMemory
  counters: SharedArrayBuffer
}

/** A certificate with its key, in PEM. */
export interface Certificate {
  cert: string
  key: string
}

export type ToWorker =
  /** It answers `listening` when it does. */
  | { kind: 'listen'; listeners: readonly Listener[] }
  | { kind: 'backends'; news: readonly Slotted[]; apps: ReadonlyMap<string, number> }
  | { kind: 'certificates'; certificates: readonly Certificate[] }
  | { kind: 'countries'; database: SharedArrayBuffer }
  /** Accepts no more. It answers `drained` when its last connection is over. */
  | { kind: 'drain' }
  | { kind: 'cut-off' }

export type FromWorker =
  | { kind: 'listening' }
  | { kind: 'decision'; decision: Decision }
  | { kind: 'drained' }
