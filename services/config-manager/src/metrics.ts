import { Histogram, type Registry } from 'prom-client'

export interface DurationMetrics {
  joined: (seconds: number) => void
  tookOver: (seconds: number) => void
}

/** How long it takes until a node is one of the cluster, and until a rollout is led again. */
export function createDurationMetrics(registry: Registry): DurationMetrics {
  const registers = [registry]
  const join = new Histogram({
    name: 'corro_join_seconds',
    help: 'Until this node was active: from the command to join, else from when it began to join',
    buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300],
    registers,
  })
  const failover = new Histogram({
    name: 'corro_failover_seconds',
    help: "From the last beat of another node's coordinator that was seen here to this one's taking over",
    buckets: [5, 5.5, 6, 7, 8, 10, 15, 30, 60],
    registers,
  })
  return {
    joined: (seconds) => join.observe(seconds),
    tookOver: (seconds) => failover.observe(seconds),
  }
}
