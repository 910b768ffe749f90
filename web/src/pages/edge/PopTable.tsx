import type { EdgesReply } from '@corroport/contracts'
import { Link } from '@tanstack/react-router'
import { Badge, State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { backendsText, listenerText, tableText } from './edge-text.ts'

type Pop = EdgesReply['edges'][number]

const columns: readonly Column<Pop>[] = [
  {
    id: 'pop',
    title: 'Point of presence',
    value: ({ nodeId }) => nodeId,
    cell: ({ nodeId }) => (
      <Link to="/edge" search={(old) => ({ ...old, pop: nodeId })} replace resetScroll={false}>
        {nodeId}
      </Link>
    ),
  },
  {
    id: 'presence',
    title: 'State',
    value: ({ presence }) => presence,
    cell: ({ presence }) => <State of={presence} />,
  },
  textColumn('region', 'Region', ({ region }) => region ?? '–'),
  figureColumn('connections', 'Open', ({ connections }) => connections, formatCount),
  figureColumn('accepted', 'Accepted', ({ accepted }) => accepted, formatCount),
  figureColumn('refused', 'Closed unserved', ({ refused }) => refused, formatCount),
  textColumn('backends', 'Backends', ({ backends }) => backendsText(backends)),
  {
    id: 'table',
    title: 'Table',
    value: ({ table }) => tableText(table),
    cell: ({ table }) => (
      <>
        <Badge tone={table.isLive ? 'good' : 'bad'}>{tableText(table)}</Badge>{' '}
        {table.reason !== null && <span className="aside">{table.reason}</span>}
      </>
    ),
  },
  textColumn('listens', 'Listens', ({ listeners }) => listeners.map(listenerText).join(', ')),
  timeColumn('heard', 'Last heard', ({ heardAt }) => heardAt),
]

export function PopTable({ edges, chosen }: { edges: readonly Pop[]; chosen: string | undefined }) {
  return (
    <Table
      caption="Points of presence"
      columns={columns}
      rows={edges}
      keyOf={({ nodeId }) => nodeId}
      isMarked={({ nodeId }) => nodeId === chosen}
      empty={
        <>
          No edge proxy was heard since this gateway started. One beside each node of a local
          cluster: <code>npm start -- --edge</code>. It needs the address of NATS to be heard.
        </>
      }
      file="points-of-presence"
    />
  )
}
