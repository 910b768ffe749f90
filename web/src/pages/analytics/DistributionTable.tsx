import { distributionsOf, measures, type TransportFigures } from '@corroport/contracts'
import { type Column, Table } from '../../components/Table.tsx'
import { formatCount } from '../../format/number.ts'
import { boundText, msText, percentileText } from './figure-text.ts'

type Row = ReturnType<typeof distributionsOf>[number]

const meaning: Column<Row> = {
  id: 'meaning',
  title: 'From, until',
  cell: ([name]) => <span className="analytics-meaning">{measures[name]}</span>,
}

/** All measures of a transport with their percentiles; an absent one says why. */
export function DistributionTable({ figures, file }: { figures: TransportFigures; file: string }) {
  const bound = figures.one_way.bound_ms
  const ms = (id: 'min_ms' | 'mean_ms' | 'max_ms', title: string): Column<Row> => ({
    id,
    title,
    align: 'right',
    value: ([, of]) => of[id],
    cell: ([, of]) => msText(of[id]),
  })
  const percentile = (name: 'p50' | 'p95' | 'p99'): Column<Row> => ({
    id: `${name}_ms`,
    title: name,
    align: 'right',
    value: ([, of]) => of[`${name}_ms`],
    cell: ([, of]) => percentileText(of, name),
  })
  const columns: Column<Row>[] = [
    {
      id: 'figure',
      title: 'Figure',
      value: ([name]) => name,
      cell: ([name]) => name,
    },
    {
      id: 'n',
      title: 'n',
      align: 'right',
      value: ([, of]) => of.n,
      cell: ([, of]) => formatCount(of.n),
    },
    ms('min_ms', 'min'),
    ms('mean_ms', 'mean'),
    percentile('p50'),
    percentile('p95'),
    percentile('p99'),
    ms('max_ms', 'max'),
    {
      id: 'bound_ms',
      title: 'bound',
      align: 'right',
      value: ([name]) => (name === 'one way' ? bound : 0),
      cell: ([name]) => (name === 'one way' ? boundText(bound) : 'exact'),
    },
    meaning,
  ]
  return (
    <Table
      caption={`Figures over ${figures.transport}`}
      columns={columns}
      rows={distributionsOf(figures)}
      keyOf={([name]) => name}
      empty="Nothing was measured."
      file={`${file}-figures`}
    />
  )
}
