import type { ClusterStatus } from '@corroport/contracts'
import { Badge } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'

/** How often each set of data is kept, and whether it bears one more loss. */
export function Replication({ of }: { of: ClusterStatus['replication'] }) {
  return (
    <>
      <h3>Replication factors</h3>
      <Table
        caption="Replication factors"
        rows={of}
        keyOf={({ dataset }) => dataset}
        empty="Nothing says how often its data is kept."
        columns={columns}
      />
    </>
  )
}

const columns: readonly Column<ClusterStatus['replication'][number]>[] = [
  { id: 'dataset', title: 'Data', cell: ({ dataset }) => dataset },
  { id: 'wanted', title: 'Wanted', align: 'right', cell: ({ wanted }) => wanted },
  {
    id: 'effective',
    title: 'Effective',
    align: 'right',
    cell: ({ effective }) => effective ?? 'not known',
  },
  {
    id: 'risk',
    title: 'One more loss',
    cell: ({ effective, at_risk }) => {
      if (effective === null) return <Badge tone="quiet">not known</Badge>
      if (at_risk) return <Badge tone="warn">stops it or loses it</Badge>
      return <Badge tone="good">is borne</Badge>
    },
  },
]
