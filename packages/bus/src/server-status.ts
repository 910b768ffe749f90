import { setTimeout as wait } from 'node:timers/promises'
import { claimBucket, type StreamDefinition, type StreamName, streams } from '@corroport/contracts'
import {
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Bus } from './bus.ts'
import { onceConnected } from './once-connected.ts'
import { isStreamMissing } from './stream-heads.ts'

/** What a stream is like on the servers. */
export interface StreamStatus {
  name: StreamName
  exists: boolean
  /** Server that leads it; null where there is one server, and where nobody leads. */
  leader: string | null
  /** `want`: as configured. `current`: of those that it has, how many hold all of it. */
  replicas: { want: number; have: number; current: number }
  /** Messages that the replica furthest behind lacks; null when nobody tells. */
  maxLag: number | null
  messages: number | null
}

/** What one connection can tell of NATS. */
export interface ServerStatus {
  /** Name of the server at the other end. */
  server: string
  roundTripMs: number
  /** Why JetStream did not confirm a write just now; null when it did. */
  writeError: string | null
  streams: StreamStatus[]
}

/**
 * Asks NATS how it is. A connection says little: without a quorum, plain messages and even the servers'
 * own health go on for seconds while no record is taken, so something is written and its confirmation
 * waited for. Throws when NATS is away or silent.
 */
export async function lookAtServer(
  bus: Bus,
  nodeId: string,
  timeoutMs: number,
): Promise<ServerStatus> {
  if (!bus.isConnected) throw new Error('nats is not connected')
  return await onceConnected(bus, ({ nats }) => look(nats, nodeId, timeoutMs))
}

async function look(
  nats: NatsConnection,
  nodeId: string,
  timeoutMs: number,
): Promise<ServerStatus> {
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs })
  const [roundTripMs, writeError, ...found] = await Promise.all([
    roundTrip(nats, timeoutMs),
    writeOnce(nats, nodeId, timeoutMs),
    ...streams.map((stream) => lookAtStream(manager, stream)),
  ])
  return {
    server: nats.info?.server_name ?? nats.getServer(),
    roundTripMs,
    writeError,
    streams: found,
  }
}

async function roundTrip(nats: NatsConnection, timeoutMs: number): Promise<number> {
  const startedAt = performance.now()
  const flushed = nats.flush().then(() => true)
  // It has no deadline of its own: a server that hangs is waited for until the connection is given up.
  flushed.catch(() => undefined)
  if (!(await Promise.race([flushed, wait(timeoutMs, false, { ref: false })]))) {
    throw new Error(`nats did not answer in ${timeoutMs} ms`)
  }
  return performance.now() - startedAt
}

/** Into a bucket whose entries last for seconds, so that no record has to make room for it. */
async function writeOnce(
  nats: NatsConnection,
  nodeId: string,
  timeoutMs: number,
): Promise<string | null> {
  try {
    const subject = `$KV.${claimBucket.name}.${nodeId}.writable`
    await jetstream(nats, { timeout: timeoutMs }).publish(subject, '', { timeout: timeoutMs })
    return null
  } catch (error) {
    if (!Error.isError(error)) return String(error)
    // The library takes the silence of everybody for a server without JetStream.
    return error.name === 'JetStreamNotEnabled'
      ? 'no stream takes it, or nobody leads that stream'
      : error.message
  }
}

async function lookAtStream(
  manager: JetStreamManager,
  { name }: StreamDefinition & { name: StreamName },
): Promise<StreamStatus> {
  try {
    return describe(name, await manager.streams.info(name))
  } catch (error) {
    // Its leader answers for it: without one nobody does.
    const exists = !isStreamMissing(error)
    const replicas = { want: 1, have: 0, current: 0 }
    return { name, exists, leader: null, replicas, maxLag: null, messages: null }
  }
}

function describe(name: StreamName, { cluster, config, state }: StreamInfo): StreamStatus {
  // Those that follow whoever answers.
  const others = cluster?.replicas ?? []
  return {
    name,
    exists: true,
    leader: cluster?.leader ?? null,
    replicas: {
      want: config.num_replicas,
      have: others.filter(({ offline }) => !offline).length + 1,
      current: others.filter(({ current }) => current).length + 1,
    },
    maxLag: Math.max(0, ...others.map(({ lag }) => lag ?? 0)),
    messages: state.messages,
  }
}
