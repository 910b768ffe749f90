import type { EdgeCandidate } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { tierText } from './edge-text.ts'

const columns: readonly Column<EdgeCandidate>[] = [
  textColumn('id', 'Backend', ({ id }) => id),
  textColumn('tier', 'How near', ({ tier }) => tierText(tier)),
  {
    ...figureColumn<EdgeCandidate, number | null>(
      'score',
      'Score',
      ({ score }) => score,
      (score) => (score === null ? '–' : String(Math.round(score * 1000) / 1000)),
    ),
    note: 'the least is chosen',
  },
  figureColumn('connections', 'Open', ({ connections }) => connections, String),
  textColumn('refusal', 'Why not', ({ refusal }) => refusal ?? ''),
]

export function Candidates({ of, about }: { of: readonly EdgeCandidate[]; about: string }) {
  return (
    <Table
      caption={`Candidates for ${about}`}
      columns={columns}
      rows={of}
      keyOf={({ id }) => id}
      empty="There is no backend of this app."
    />
  )
}
