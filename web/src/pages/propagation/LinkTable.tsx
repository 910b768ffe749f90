import { Badge } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { NodeLink } from '../../components/NodeLink.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatDuration } from '../../format/time.ts'
import type { LinkRow } from './links.ts'

const absent = '–'
const columns: Column<LinkRow>[] = [
  {
    id: 'node',
    title: 'Node',
    value: ({ nodeId }) => nodeId,
    cell: ({ nodeId }) => <NodeLink id={nodeId} />,
  },
  {
    id: 'region',
    title: 'Region',
    value: ({ region }) => region,
    cell: ({ region }) => region ?? absent,
  },
  {
    id: 'state',
    title: 'Acknowledged',
    value: ({ roundTripMs }) => (roundTripMs === null ? 'missing' : 'acknowledged'),
    cell: ({ roundTripMs, wasPresent }) =>
      roundTripMs !== null ? (
        <Badge tone="good">acknowledged</Badge>
      ) : (
        <Badge tone={wasPresent ? 'bad' : 'warn'}>
          {wasPresent ? 'missing' : 'missing, was away when it was sent'}
        </Badge>
      ),
  },
  figureColumn(
    'round_trip_ms',
    'Round trip',
    ({ roundTripMs }) => roundTripMs,
    (ms) => (ms === null ? absent : formatDuration(ms)),
  ),
  {
    id: 'floor_ms',
    title: 'Physical floor',
    align: 'right',
    value: ({ floorMs }) => floorMs,
    cell: ({ floorMs, kilometres }) => (
      <span title={kilometres === null ? 'a region is on no map' : `${Math.round(kilometres)} km`}>
        {floorMs === null ? absent : formatDuration(floorMs)}
      </span>
    ),
  },
  figureColumn(
    'times_floor',
    '× floor',
    ({ timesFloor }) => timesFloor,
    (times) => times?.toFixed(1) ?? absent,
  ),
  { id: 'via', title: 'Via', value: ({ via }) => via, cell: ({ via }) => via ?? absent },
  {
    id: 'attempts',
    title: 'Attempts',
    align: 'right',
    value: ({ attempts }) => attempts,
    cell: ({ attempts }) => attempts ?? absent,
  },
]

export function LinkTable({ rows }: { rows: readonly LinkRow[] }) {
  return (
    <Table
      caption="Acknowledgements of the message by node"
      columns={columns}
      rows={rows}
      keyOf={({ nodeId }) => nodeId}
      empty="No other node is expected to acknowledge it."
      file="propagation"
      sortBy={{ column: 'round_trip_ms', isDescending: false }}
    />
  )
}
