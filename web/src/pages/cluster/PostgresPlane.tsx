import { type Column, Table } from '../../components/Table.tsx'
import { formatDuration } from '../../format/time.ts'
import { Plane, type PlaneOf, type Planes } from './Plane.tsx'

export function PostgresPlane({ of, at }: PlaneOf<'postgres'>) {
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
