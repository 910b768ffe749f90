import type { ClusterStatus } from '@corroport/contracts'
import type { ReactNode } from 'react'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { type Figure, Figures } from '../../components/Figures.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { statusEveryMs, useClusterStatus } from './cluster-status.ts'
import { Replication } from './Replication.tsx'

/** The three planes, which fail independently, as the node of this gateway sees them. */
export function StatusVector() {
  const query = useClusterStatus()
  return (
    <DataPanel title="Planes" what="the status" query={query} everyMs={statusEveryMs}>
      {({ node, overall, planes, replication }) => (
        <>
          <p>
            As <strong>{node.id}</strong> sees them: <State of={overall} />
          </p>
          <div className="cluster-planes">
            <CorrosionPlane of={planes.corrosion} at={query.dataUpdatedAt} />
            <NatsPlane of={planes.nats} at={query.dataUpdatedAt} />
            <PostgresPlane of={planes.postgres} at={query.dataUpdatedAt} />
          </div>
          <Replication of={replication} />
        </>
      )}
    </DataPanel>
  )
}

type Planes = ClusterStatus['planes']

interface PlaneOf<Name extends keyof Planes> {
  of: Planes[Name]
  /** When it came. Unix milliseconds. */
  at: number
}

// Each source is looked at every two seconds; after twice that the gateway calls it unknown.
const staleAfterMs = 5000

interface PlaneProps {
  name: string
  part: Pick<Planes['nats'], 'state' | 'age_ms' | 'error'>
  at: number
  figures: readonly Figure[]
  children?: ReactNode
}

function Plane({ name, part: { state, age_ms, error }, at, figures, children }: PlaneProps) {
  return (
    <section className="cluster-plane" aria-label={name}>
      <h3>
        {name} <State of={state === 'none' ? 'not configured' : state} />{' '}
        {state !== 'none' && <Age at={at} ageMs={age_ms} staleAfterMs={staleAfterMs} />}
      </h3>
      {error !== null && <p className="note bad">{error}</p>}
      {state !== 'none' && <Figures of={figures} />}
      {children}
    </section>
  )
}

function CorrosionPlane({ of, at }: PlaneOf<'corrosion'>) {
  const { members, replication, subscriptions } = of
  return (
    <Plane
      name="Corrosion"
      part={of}
      at={at}
      figures={[
        { label: 'agent', value: <State of={of.agent} />, note: of.actor_id ?? undefined },
        {
          label: 'members alive',
          value: `${count(members.alive)} of ${formatCount(members.expected)}`,
          note: (
            <>
              {count(members.suspect)} suspect, {count(members.down)} down; by{' '}
              {members.source ?? 'nobody'}, <Age at={at} ageMs={members.age_ms} />
            </>
          ),
        },
        {
          label: 'missing versions',
          value: count(replication.needed_versions),
          note: `in ${count(replication.gaps)} gaps, of ${count(replication.heads)} actors`,
        },
        {
          label: 'changes waiting',
          value: count(replication.queue),
          note: <Age at={at} ageMs={replication.age_ms} staleAfterMs={staleAfterMs} />,
        },
        {
          label: 'p99 lag',
          value:
            replication.p99_lag_s === null ? null : formatDuration(replication.p99_lag_s * 1000),
          note: "Corrosion's own figure, wrong by the clocks' difference",
        },
        { label: 'cluster id', value: of.cluster_id },
      ]}
    >
      <Table
        caption="Tables that are followed"
        rows={subscriptions}
        keyOf={({ table }) => table}
        empty="No subscription: the subscriber of this node does not answer."
        columns={subscriptionColumns}
      />
    </Plane>
  )
}

function NatsPlane({ of, at }: PlaneOf<'nats'>) {
  const { jetstream, monitor, routes } = of
  return (
    <Plane
      name="NATS"
      part={of}
      at={at}
      figures={[
        {
          label: 'connected to',
          value: of.connected_to ?? 'nobody',
          note: of.cluster === null ? 'one server alone' : `cluster ${of.cluster}`,
        },
        {
          label: 'round trip',
          value: of.round_trip_ms === null ? null : formatDuration(of.round_trip_ms),
        },
        {
          label: 'routes up',
          value: routes && `${routes.up} of ${routes.expected}`,
          note: monitor.error ?? (
            <>
              by {monitor.server ?? 'nobody'}, <Age at={at} ageMs={monitor.age_ms} />
            </>
          ),
        },
        {
          label: 'streams can be written',
          value: yesNo(jetstream.is_writable),
          note: `quorum ${yesNo(jetstream.meta_quorum) ?? 'not known'}, leader ${jetstream.meta_leader ?? 'none'}`,
        },
        {
          label: 'events waiting',
          value: formatCount(of.outbox.unconfirmed),
          note: 'of this gateway, for NATS',
        },
      ]}
    >
      <Table
        caption="Streams"
        rows={jetstream.streams}
        keyOf={({ name }) => name}
        empty="NATS says nothing of its streams."
        columns={streamColumns}
      />
    </Plane>
  )
}

function PostgresPlane({ of, at }: PlaneOf<'postgres'>) {
  const { pool, migrations, replicas } = of
  return (
    <Plane
      name="Postgres"
      part={of}
      at={at}
      figures={[
        { label: 'role', value: of.role, note: of.version ?? undefined },
        {
          label: 'answers in',
          value: of.latency_ms === null ? null : formatDuration(of.latency_ms),
        },
        {
          label: 'connections',
          value: pool && `${pool.size - pool.idle} of ${pool.size} busy`,
          note: pool ? `${pool.waiting} wait for one` : undefined,
        },
        {
          label: 'migrations',
          value: migrations && (migrations.current ?? 'none made'),
          note:
            migrations && migrations.pending.length > 0
              ? `waiting: ${migrations.pending.join(', ')}`
              : undefined,
        },
      ]}
    >
      {replicas.length > 0 && (
        <Table
          caption="Replicas of Postgres"
          rows={replicas}
          keyOf={({ name }) => name}
          empty=""
          columns={replicaColumns}
        />
      )}
    </Plane>
  )
}

function count(value: number | null): string {
  return value === null ? '–' : formatCount(value)
}

function yesNo(value: boolean | null): string | null {
  if (value === null) return null
  return value ? 'yes' : 'no'
}

const subscriptionColumns: readonly Column<Planes['corrosion']['subscriptions'][number]>[] = [
  { id: 'table', title: 'Subscription', cell: ({ table }) => table },
  { id: 'state', title: 'State', cell: ({ state }) => <State of={state} /> },
  {
    id: 'since',
    title: 'Since',
    cell: ({ since }) => (since === null ? '' : <Time at={since} />),
  },
  {
    id: 'change',
    title: 'Last change',
    cell: ({ last_change_at }) =>
      last_change_at === null ? 'none yet' : <Time at={last_change_at} />,
  },
]

const streamColumns: readonly Column<Planes['nats']['jetstream']['streams'][number]>[] = [
  { id: 'name', title: 'Stream', cell: ({ name }) => name },
  {
    id: 'leader',
    title: 'Leader',
    cell: ({ exists, leader }) =>
      exists ? (leader ?? 'none') : <State of="failed" title="it does not exist" />,
  },
  {
    id: 'replicas',
    title: 'Replicas',
    align: 'right',
    cell: ({ replicas }) => `${replicas.current} of ${replicas.want} current`,
  },
  {
    id: 'lag',
    title: 'Lag',
    align: 'right',
    cell: ({ max_lag }) => (max_lag === null ? '–' : formatCount(max_lag)),
  },
  {
    id: 'messages',
    title: 'Records',
    align: 'right',
    cell: ({ messages }) => (messages === null ? '–' : formatCount(messages)),
  },
]

const replicaColumns: readonly Column<Planes['postgres']['replicas'][number]>[] = [
  { id: 'name', title: 'Replica', cell: ({ name }) => name },
  { id: 'state', title: 'State', cell: ({ state, sync }) => `${state}, ${sync}` },
  {
    id: 'lag',
    title: 'Replay lag',
    align: 'right',
    cell: ({ replay_lag_ms }) => (replay_lag_ms === null ? '–' : formatDuration(replay_lag_ms)),
  },
]
