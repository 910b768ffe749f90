/** A stream and its bounds. Old messages are discarded when a bound is met; nothing is refused. */
export interface StreamDefinition {
  readonly name: string
  readonly subjects: readonly string[]
  readonly maxAgeHours: number
  readonly maxBytes: number
}

const megabyte = 1024 * 1024

/** No two overlap. Hints and commands are in none of them. */
export const streams = [
  { name: 'CHANGES', subjects: ['corro.change.>'], maxAgeHours: 6, maxBytes: 512 * megabyte },
  {
    name: 'RECORDS',
    subjects: ['corro.message.>', 'corro.ack.>', 'corro.share.>', 'corro.experiment.>'],
    maxAgeHours: 24,
    maxBytes: 512 * megabyte,
  },
  {
    name: 'LIFECYCLE',
    subjects: [
      'corro.lifecycle.>',
      'corro.subscription.>',
      'corro.config.>',
      'corro.rollout.>',
      'corro.operation.>',
      'corro.member.>',
      'corro.partition.>',
      'corro.cluster.>',
    ],
    maxAgeHours: 24 * 28,
    maxBytes: 128 * megabyte,
  },
  {
    name: 'SAMPLES',
    subjects: ['corro.node.>', 'corro.clock.>'],
    maxAgeHours: 6,
    maxBytes: 128 * megabyte,
  },
  // Of its own: each send is noted, and would push the history of nodes out.
  {
    name: 'AUDIT',
    subjects: ['corro.audit.>'],
    maxAgeHours: 24 * 28,
    maxBytes: 256 * megabyte,
  },
  {
    name: 'BUILDS',
    subjects: ['corro.build.>', 'corro.worker.>'],
    maxAgeHours: 24 * 28,
    maxBytes: 256 * megabyte,
  },
  { name: 'DEAD', subjects: ['corro.dead.>'], maxAgeHours: 24 * 28, maxBytes: 128 * megabyte },
] as const satisfies readonly StreamDefinition[]

export type StreamName = (typeof streams)[number]['name']

/** KV bucket of the rollouts under way and of the lease of who coordinates them. */
export const rolloutBucket = { name: 'ROLLOUTS' } as const

/** A record told twice within this window is stored once. */
export const duplicateWindowMinutes = 10

/** KV bucket of the names in use. A name that was not refreshed for `ttlMs` is free. */
export const claimBucket = { name: 'CLAIMS', ttlMs: 8000 } as const

/** A durable consumer. `<service>_<nodeId>` where each node handles its own events. */
export interface DurableDefinition {
  readonly name: string
  readonly stream: StreamName
  readonly filters: readonly string[]
  /** Longer than the deadline of any handler. */
  readonly ackWaitMs: number
  readonly maxAckPending: number
  /** `all`: one answer for a record and those before it, for a single reader of batches. */
  readonly answers: 'each' | 'all'
}

export function subscriberDurable(nodeId: string): DurableDefinition {
  return {
    name: `subscriber_${nodeId}`,
    stream: 'LIFECYCLE',
    filters: [`corro.lifecycle.*.${nodeId}`],
    ackWaitMs: 10_000,
    maxAckPending: 64,
    answers: 'each',
  }
}

export function ackSenderDurable(nodeId: string): DurableDefinition {
  return {
    name: `ack-sender_${nodeId}`,
    stream: 'CHANGES',
    filters: [`corro.change.observed.${nodeId}`],
    ackWaitMs: 10_000,
    maxAckPending: 1024,
    answers: 'each',
  }
}

/** Everything that analytics stores; one process reads at a time. */
export const analyticsDurables = (
  ['CHANGES', 'RECORDS', 'LIFECYCLE', 'SAMPLES', 'AUDIT', 'BUILDS'] as const
).map(
  (stream): DurableDefinition => ({
    name: 'analytics',
    stream,
    filters: [],
    ackWaitMs: 60_000,
    maxAckPending: 50_000,
    answers: 'all',
  }),
)

export function durablesFor(nodeIds: readonly string[]): DurableDefinition[] {
  return [
    ...analyticsDurables,
    ...nodeIds.flatMap((nodeId) => [subscriberDurable(nodeId), ackSenderDurable(nodeId)]),
  ]
}
