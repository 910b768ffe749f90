import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { Plane, type PlaneOf, type Planes } from './Plane.tsx'

export function NatsPlane({ of, at }: PlaneOf<'nats'>) {
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

function yesNo(value: boolean | null): string | null {
  if (value === null) return null
  return value ? 'yes' : 'no'
}

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
