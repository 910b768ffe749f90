import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import type { MapPoint } from './points.ts'

const columns: Column<MapPoint>[] = [
  textColumn('node', 'Node', ({ id }) => id),
  {
    id: 'region',
    title: 'Region',
    value: ({ region }) => region,
    cell: ({ region }) => region ?? '–',
  },
  textColumn('state', 'State', ({ meaning }) => meaning),
]

/** What the map shows, in words. */
export function PointTable({ points }: { points: readonly MapPoint[] }) {
  return (
    <Table
      caption="Nodes and what the message is to them"
      columns={columns}
      rows={points}
      keyOf={({ id }) => id}
      empty="No node is known yet."
      file="nodes"
    />
  )
}
