import {
  type Bus,
  type ClusterView,
  lookAtMonitor,
  lookAtServer,
  type ServerStatus,
} from '@corroport/bus'
import type { ClusterStatus } from '@corroport/contracts'
import { lookDeadlineMs, type Reading, type Sampler, startSampler } from './sampler.ts'

export type NatsPlane = ClusterStatus['planes']['nats']

export function startNatsSampler(
  { bus, nodeId }: { bus: Bus; nodeId: string },
  onLooked: () => void,
): Sampler<ServerStatus> {
  // A little less, so that what did not answer is named.
  const timeoutMs = lookDeadlineMs - 100
  return startSampler({ onLooked, look: () => lookAtServer(bus, nodeId, timeoutMs) })
}

export function startMonitorSampler(
  { natsMonitorUrl }: { natsMonitorUrl: string },
  onLooked: () => void,
): Sampler<ClusterView> {
  return startSampler({ onLooked, look: (signal) => lookAtMonitor(natsMonitorUrl, signal) })
}

export interface NatsReadings {
  server: Reading<ServerStatus>
  /** Undefined where nobody said where it is. */
  monitor: Reading<ClusterView> | undefined
  isConnected: boolean
  unconfirmedEvents: number
}

export function describeNats(readings: NatsReadings): NatsPlane {
  const { server, monitor, isConnected, unconfirmedEvents } = readings
  const view = monitor?.value
  // A connection that was lost just now tells more than the look before that.
  const found = isConnected ? server.value : null
  const plane: NatsPlane = {
    state: 'ok',
    age_ms: server.ageMs,
    error: server.error,
    connected_to: found?.server ?? null,
    round_trip_ms: found?.roundTripMs ?? null,
    monitor: {
      server: view?.server ?? null,
      age_ms: monitor?.ageMs ?? null,
      error: monitor ? monitor.error : 'NATS_MONITOR_URL is not set',
    },
    cluster: view?.cluster ?? null,
    routes: view?.routes ?? null,
    jetstream: {
      meta_leader: view?.meta.leader ?? null,
      meta_size: view?.meta.size ?? null,
      meta_quorum: view?.meta.hasQuorum ?? null,
      is_writable: found ? found.writeError === null : null,
      streams: (found?.streams ?? []).map(({ maxLag, ...stream }) => ({
        ...stream,
        max_lag: maxLag,
      })),
    },
    outbox: { unconfirmed: unconfirmedEvents },
  }
  if (!isConnected) {
    return { ...plane, state: 'unavailable', age_ms: 0, error: 'nats is not connected' }
  }
  if (server.state === 'stale') return { ...plane, state: 'unknown' }
  if (!found) return { ...plane, state: 'unavailable' }
  const faults = [...faultsOf(found), ...(view ? clusterFaultsOf(view) : [])]
  return faults.length === 0 ? plane : { ...plane, state: 'degraded', error: faults.join('; ') }
}

function faultsOf({ writeError, streams }: ServerStatus): string[] {
  return [
    ...(writeError === null ? [] : [`jetstream confirms no write: ${writeError}`]),
    ...streams.flatMap(({ name, exists, replicas: { want, current } }) => {
      if (!exists) return [`stream ${name} does not exist`]
      return current < want ? [`${current} of ${want} replicas of ${name} are current`] : []
    }),
  ]
}

function clusterFaultsOf({ routes, meta }: ClusterView): string[] {
  const { expected, up } = routes
  if (!meta.hasQuorum)
    return [`${up + 1} of ${meta.size} servers are in sight, too few to place a stream`]
  return [
    ...(up < expected ? [`${up} of ${expected} routes are up`] : []),
    ...(meta.size > 1 && meta.leader === null ? ['nobody leads the meta group'] : []),
  ]
}
