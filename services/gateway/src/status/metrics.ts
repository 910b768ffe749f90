import { type ClusterStatus, fromTimestamp, nowMicroseconds } from '@corroport/contracts'
import { Counter, Gauge, type Registry } from 'prom-client'

type Row = readonly [labels: Record<string, string>, value: number | null]

/** What a status says, as figures. `read` is asked at each scrape; what is not known is left out. */
export function registerStatusMetrics(registry: Registry, read: () => ClusterStatus) {
  const registers = [registry]
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    rows: (status: ClusterStatus) => readonly Row[],
  ): void => {
    const instrument: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        instrument.reset()
        // Without labels a reset leaves a 0, which would be taken for a figure.
        if (labelNames.length === 0) instrument.remove()
        for (const [labels, value] of rows(read())) {
          if (value !== null) instrument.set(labels, value)
        }
      },
    })
  }
  gauge('corro_plane_ok', '1 where a plane is ok, 0 where it is not', ['plane'], ({ planes }) =>
    Object.entries(planes)
      .filter(([, { state }]) => state !== 'none')
      .map(([plane, { state }]) => [{ plane }, state === 'ok' ? 1 : 0]),
  )
  gauge('corro_cluster_expected_members', 'Declared and announced nodes', [], ({ planes }) => [
    [{}, planes.corrosion.members.expected],
  ])
  gauge('corro_cluster_members', 'Nodes by plane and state', ['plane', 'state'], (status) => [
    ...(['alive', 'suspect', 'down'] as const).map(
      (state): Row => [{ plane: 'corrosion', state }, status.planes.corrosion.members[state]],
    ),
    ...(['present', 'lost', 'unheard'] as const).map(
      (state): Row => [
        { plane: 'nats', state },
        status.members.filter(({ nats }) => nats === state).length,
      ],
    ),
  ])
  gauge('corro_cluster_membership_age_seconds', 'Age of what SWIM said', [], ({ planes }) => [
    [{}, seconds(planes.corrosion.members.age_ms)],
  ])
  gauge('corro_table_age_seconds', 'Since a table was last followed live', ['table'], (status) =>
    status.planes.corrosion.subscriptions.map((feed) => [
      { table: feed.table },
      seconds(lastLiveMs(feed)),
    ]),
  )
  gauge('corro_cluster_disagreements', 'Where the planes disagree', [], ({ disagreements }) => [
    [{}, disagreements.length],
  ])
  gauge('corro_replication_wanted', 'Copies that there should be', ['dataset'], ({ replication }) =>
    replication.map(({ dataset, wanted }) => [{ dataset }, wanted]),
  )
  gauge('corro_replication_effective', 'Copies that are there', ['dataset'], ({ replication }) =>
    replication.map(({ dataset, effective }) => [{ dataset }, effective]),
  )
  gauge(
    'corro_agent_missing_versions',
    'Versions that the agent knows of and does not hold',
    [],
    ({ planes }) => [[{}, planes.corrosion.replication.gaps]],
  )
  gauge(
    'corro_agent_p99_lag_seconds',
    "The agent's own p99 of commits, wrong by the clocks",
    [],
    ({ planes }) => [[{}, planes.corrosion.replication.p99_lag_s]],
  )
  gauge(
    'corro_agent_queued_changes',
    'Changes that the agent has still to apply',
    [],
    ({ planes }) => [[{}, planes.corrosion.replication.queue]],
  )
  gauge(
    'corro_stream_lag_messages',
    'How far the replica furthest behind is',
    ['stream'],
    ({ planes }) =>
      planes.nats.jetstream.streams.map(({ name, max_lag }) => [{ stream: name }, max_lag]),
  )
  gauge('corro_stream_messages', 'Messages that a stream holds', ['stream'], ({ planes }) =>
    planes.nats.jetstream.streams.map(({ name, messages }) => [{ stream: name }, messages]),
  )
  gauge(
    'corro_nats_expected_routes',
    'Routes that a server should have to the others',
    [],
    ({ planes }) => [[{}, planes.nats.routes?.expected ?? null]],
  )
  gauge('corro_nats_routes', 'Routes of a server that are up', [], ({ planes }) => [
    [{}, planes.nats.routes?.up ?? null],
  ])
  gauge(
    'corro_nats_round_trip_seconds',
    'From the gateway to its server of NATS and back',
    [],
    ({ planes }) => [[{}, seconds(planes.nats.round_trip_ms)]],
  )
  gauge('corro_postgres_latency_seconds', 'How long a SELECT 1 takes', [], ({ planes }) => [
    [{}, seconds(planes.postgres.latency_ms)],
  ])
  gauge('corro_postgres_pool_waiting', 'Queries that wait for a connection', [], ({ planes }) => [
    [{}, planes.postgres.pool?.waiting ?? null],
  ])
  return {
    changes: new Counter({
      name: 'corro_cluster_changes_total',
      help: 'Changes of what the status says, by what changed',
      labelNames: ['what'],
      registers,
    }),
  }
}

function seconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1000
}

type Feed = ClusterStatus['planes']['corrosion']['subscriptions'][number]

function lastLiveMs({ state, since }: Feed): number | null {
  if (state === 'live') return 0
  const from = state === 'unknown' || since === null ? undefined : fromTimestamp(since)
  return from === undefined ? null : (nowMicroseconds() - from) / 1000
}
