import type { ComparedFigure } from '@corroport/contracts'
import { Badge } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { msText, shareText, signed } from './figure-text.ts'

const formatOf = ({ unit }: ComparedFigure) => (unit === 'ms' ? msText : shareText)

const plain = (id: 'a' | 'b' | 'smallest_effect', title: string): Column<ComparedFigure> => ({
  id,
  title,
  align: 'right',
  value: (row) => row[id],
  cell: (row) => {
    const value = row[id]
    return value === null ? '–' : formatOf(row)(value)
  },
})

const columns: Column<ComparedFigure>[] = [
  textColumn('figure', 'Figure', ({ transport, figure }) => `${transport} ${figure}`),
  plain('a', 'A'),
  plain('b', 'B'),
  {
    id: 'difference',
    title: 'B − A',
    align: 'right',
    value: ({ difference }) => difference,
    cell: (row) => (row.difference === null ? '–' : signed(row.difference, formatOf(row))),
  },
  {
    id: 'interval',
    title: '95 % interval',
    align: 'right',
    value: ({ interval }) => interval?.join(' to ') ?? null,
    cell: (row) => intervalText(row),
  },
  {
    id: 'relative',
    title: 'Relative',
    align: 'right',
    value: ({ relative }) => relative,
    cell: ({ relative }) => (relative === null ? '–' : signed(relative, shareText)),
  },
  {
    id: 'p_value',
    title: 'p',
    align: 'right',
    value: (row) => row.p_value,
    cell: ({ p_value: p }) => (p === null ? '–' : p.toFixed(4)),
  },
  plain('smallest_effect', 'Seen from'),
  {
    id: 'verdict',
    title: 'Verdict',
    value: ({ verdict }) => verdict,
    cell: ({ verdict }) => (
      <Badge tone={verdict === 'different' ? 'warn' : 'quiet'}>{verdict}</Badge>
    ),
  },
]

/** The figures of both sides and their differences. */
export function ComparisonTable({ figures }: { figures: readonly ComparedFigure[] }) {
  return (
    <Table
      caption="Differences of the sides"
      columns={columns}
      rows={figures}
      keyOf={({ transport, figure }) => `${transport} ${figure}`}
      empty="The sides have nothing to compare."
      file="comparison"
    />
  )
}

export function intervalText(row: ComparedFigure): string {
  if (row.interval === null) return '–'
  const format = formatOf(row)
  return `${signed(row.interval[0], format)} to ${signed(row.interval[1], format)}`
}
