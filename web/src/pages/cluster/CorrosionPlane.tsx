import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { Plane, type PlaneOf, type Planes, staleAfterMs } from './Plane.tsx'

export function CorrosionPlane({ of, at }: PlaneOf<'corrosion'>) {
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

function count(value: number | null): string {
  return value === null ? '–' : formatCount(value)
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
