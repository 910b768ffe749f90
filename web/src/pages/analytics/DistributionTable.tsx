import { distributionsOf, measures, type TransportFigures } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import { boundText, msText } from './figure-text.ts'
import { percentileColumns } from './percentile-columns.ts'

type Row = ReturnType<typeof distributionsOf>[number]

const ms = (id: 'min_ms' | 'mean_ms' | 'max_ms', title: string) =>
  figureColumn<Row, number | null>(id, title, ([, of]) => of[id], msText)
const columnsOf = (bound: number | null): Column<Row>[] => [
  textColumn('figure', 'Figure', ([name]) => name),
  figureColumn('n', 'n', ([, of]) => of.n, formatCount),
  ms('min_ms', 'min'),
  ms('mean_ms', 'mean'),
  ...percentileColumns<Row>(([, of]) => of),
  ms('max_ms', 'max'),
  {
    id: 'bound_ms',
    title: 'bound',
    align: 'right',
    value: ([name]) => (name === 'one way' ? bound : 0),
    cell: ([name]) => (name === 'one way' ? boundText(bound) : 'exact'),
  },
  {
    id: 'meaning',
    title: 'From, until',
    cell: ([name]) => <span className="analytics-meaning">{measures[name]}</span>,
  },
]

/** All measures of a transport with their percentiles; an absent one says why. */
export function DistributionTable({ figures, file }: { figures: TransportFigures; file: string }) {
  return (
    <Table
      caption={`Figures over ${figures.transport}`}
      columns={columnsOf(figures.one_way.bound_ms)}
      rows={distributionsOf(figures)}
      keyOf={([name]) => name}
      empty="Nothing was measured."
      file={`${file}-figures`}
    />
  )
}
