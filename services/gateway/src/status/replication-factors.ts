import type { ClusterStatus } from '@corroport/contracts'
import type { CorrosionPlane } from './corrosion-plane.ts'
import type { NatsPlane } from './nats-plane.ts'
import { durability, type PostgresFacts } from './postgres-plane.ts'

export type ReplicationFactor = ClusterStatus['replication'][number]

/** How often each set of data is there, and whether one more loss would stop or lose it. */
export function describeFactors(planes: {
  corrosion: CorrosionPlane
  nats: NatsPlane
  /** Undefined: none is configured. Null: not known. */
  postgres: PostgresFacts | null | undefined
}): ReplicationFactor[] {
  const { corrosion, nats, postgres } = planes
  const { expected, alive } = corrosion.members
  const factors: ReplicationFactor[] = [
    // Every agent has every row.
    {
      dataset: 'corrosion',
      wanted: expected,
      effective: alive,
      at_risk: alive !== null && alive < 2,
    },
    ...nats.jetstream.streams.map(({ name, replicas: { want, current } }) => ({
      dataset: name,
      wanted: want,
      effective: current,
      at_risk: current - 1 < quorumOf(want),
    })),
  ]
  if (postgres === undefined) return factors
  const { wanted, effective } = postgres ? durability(postgres) : { wanted: 1, effective: null }
  const at_risk = effective !== null && effective < 2
  return [...factors, { dataset: 'postgres', wanted, effective, at_risk }]
}

function quorumOf(replicas: number): number {
  return Math.floor(replicas / 2) + 1
}
