import type { ReceiverFigures } from '@corroport/contracts'
import type { Static } from 'typebox'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import { boundText, lostTitle, msText, percentileText } from './figure-text.ts'
import { percentileColumns } from './percentile-columns.ts'

type Row = Static<typeof ReceiverFigures>

const count = (id: 'expected' | 'lost' | 'late' | 'retried', title: string) =>
  figureColumn<Row, number>(id, title, (row) => row[id], formatCount)

const columnsOf = (isFinal: boolean): Column<Row>[] => [
  textColumn('name', 'Receiver', nameOf),
  figureColumn('n', 'n', (row) => row.round_trip.n, formatCount),
  count('expected', 'Expected'),
  {
    ...count('lost', lostTitle(isFinal)),
    cell: ({ lost }) => (lost > 0 ? <strong>{formatCount(lost)}</strong> : '0'),
  },
  count('late', 'Late'),
  count('retried', 'Retried'),
  ...percentileColumns<Row>((row) => row.round_trip),
  figureColumn('max', 'max', (row) => row.round_trip.max_ms, msText),
  {
    id: 'one_way_p50',
    title: 'One way p50',
    align: 'right',
    value: (row) => row.one_way.p50_ms,
    cell: (row) => percentileText(row.one_way, 'p50'),
  },
  figureColumn('bound', 'Bound', (row) => row.one_way.bound_ms, boundText),
  figureColumn('negatives', 'Below zero', (row) => row.one_way.negatives, formatCount),
]

interface ReceiverTableProps {
  caption: string
  rows: readonly Row[]
  file: string
  isFinal: boolean
}

/** Receivers, regions of receivers, or pairs of origin and receiver. */
export function ReceiverTable({ caption, rows, file, isFinal }: ReceiverTableProps) {
  return (
    <Table
      caption={caption}
      columns={columnsOf(isFinal)}
      rows={rows}
      keyOf={nameOf}
      empty="Nobody was expected to acknowledge."
      file={file}
    />
  )
}

function nameOf({ origin_node_id: origin, node_id: node, region }: Row): string {
  if (node === null) return region ?? 'unknown region'
  const from = origin === null ? '' : `${origin} → `
  return `${from}${node}${region === null ? '' : ` (${region})`}`
}
