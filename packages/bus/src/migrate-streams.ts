import {
  claimBucket,
  type DurableDefinition,
  duplicateWindowMinutes,
  rolloutBucket,
  type StreamDefinition,
  tokenBucket,
} from '@corroport/contracts'
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { accessOptions, type NatsAccess } from './access.ts'
import { isStreamMissing } from './stream-heads.ts'

const nanosecondsPerMillisecond = 1_000_000
const millisecondsPerHour = 3_600_000
const minimumServer = '2.10.0'

export interface StreamsToApply extends NatsAccess {
  streams: readonly StreamDefinition[]
  durables: readonly DurableDefinition[]
  /** Servers that keep each stream: 1, 3 or 5. Default: 3 where there are as many, else 1. */
  replicationFactor?: number | undefined
}

export interface AppliedStreams {
  created: string[]
  updated: string[]
  unchanged: string[]
}

/**
 * The one migration step: makes streams and durables, or brings them to their definition. Services
 * only bind, so that they need no right to create, and a rolling update does not flip settings.
 */
export async function applyStreams(options: StreamsToApply): Promise<AppliedStreams> {
  const nats = await connect({
    ...accessOptions(options),
    name: 'streams-apply',
    timeout: 5000,
  })
  try {
    const version = nats.info?.version ?? '0'
    if (version.localeCompare(minimumServer, undefined, { numeric: true }) < 0) {
      throw new Error(`nats-server ${version} is too old, ${minimumServer} is needed`)
    }
    const manager = await jetstreamManager(nats, { checkAPI: false })
    const servers = nats.info?.connect_urls?.length ?? 1
    const replicas = replicasOn(servers, options.replicationFactor)
    const result: AppliedStreams = { created: [], updated: [], unchanged: [] }
    for (const stream of options.streams) {
      result[await applyStream(manager, streamConfig(stream, replicas))].push(stream.name)
    }
    const buckets = new Kvm(nats)
    await buckets.create(claimBucket.name, { ttl: claimBucket.ttlMs, replicas })
    await buckets.create(rolloutBucket.name, { replicas })
    await buckets.create(tokenBucket.name, { replicas })
    for (const durable of options.durables) {
      result[await applyDurable(manager, durable)].push(durable.name)
    }
    return result
  } finally {
    await nats.close()
  }
}

type Outcome = keyof AppliedStreams

function streamConfig(
  stream: StreamDefinition,
  replicas: number,
): Partial<StreamConfig> & { name: string } {
  return {
    name: stream.name,
    subjects: [...stream.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: stream.maxAgeHours * millisecondsPerHour * nanosecondsPerMillisecond,
    max_bytes: stream.maxBytes,
    duplicate_window: duplicateWindowMinutes * 60_000 * nanosecondsPerMillisecond,
    num_replicas: replicas,
  }
}

async function applyStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<Outcome> {
  const existing = await unlessMissing(manager.streams.info(config.name))
  if (!existing) {
    await manager.streams.add(config)
    return 'created'
  }
  if (isPartOf(config, existing.config)) return 'unchanged'
  await manager.streams.update(config.name, config)
  return 'updated'
}

async function applyDurable(
  manager: JetStreamManager,
  durable: DurableDefinition,
): Promise<Outcome> {
  const changeable: Partial<ConsumerConfig> = {
    ...(durable.filters.length > 0 && { filter_subjects: [...durable.filters] }),
    ack_wait: durable.ackWaitMs * nanosecondsPerMillisecond,
    max_ack_pending: durable.maxAckPending,
    max_deliver: -1,
  }
  const existing = await unlessMissing(manager.consumers.info(durable.stream, durable.name))
  if (!existing) {
    await manager.consumers.add(durable.stream, {
      durable_name: durable.name,
      ack_policy: durable.answers === 'all' ? AckPolicy.All : AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ...changeable,
    })
    return 'created'
  }
  // A server stores one filter under the older, singular name.
  const stored = { ...existing.config }
  if (stored.filter_subject) stored.filter_subjects = [stored.filter_subject]
  if (isPartOf(changeable, stored)) return 'unchanged'
  await manager.consumers.update(durable.stream, durable.name, changeable)
  return 'updated'
}

function isPartOf(wanted: object, actual: object): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(value) === JSON.stringify(Reflect.get(actual, key)),
  )
}

const consumerNotFound = 10014

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (isStreamMissing(error)) return undefined
    if (error instanceof JetStreamApiError && error.code === consumerNotFound) return undefined
    throw error
  }
}

/** Copies of a stream on so many servers. Throws when there are fewer servers than copies wanted. */
export function replicasOn(servers: number, wanted: number | undefined): number {
  if (wanted === undefined) return servers >= 3 ? 3 : 1
  if (wanted <= servers) return wanted
  const have = `${servers} ${servers === 1 ? 'server' : 'servers'}`
  throw new Error(`REPLICATION_FACTOR is ${wanted}, but NATS has ${have}`)
}
