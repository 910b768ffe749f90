import type { QueryComparison } from '@corroport/contracts'
import { Badge } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatCount } from '../../format/number.ts'
import { CellView } from './CellView.tsx'
import { cellText } from './cell.ts'
import { type Difference, differencesOf } from './differences.ts'

interface ComparisonProps {
  comparison: QueryComparison
  /** Those that answered, and those that did not. */
  answered: readonly string[]
  silent: readonly string[]
}

const columns: readonly Column<Difference>[] = [
  {
    id: 'key',
    title: 'Row',
    value: ({ key }) => key.map(cellText).join(' '),
    cell: ({ key }) =>
      key.length === 0
        ? 'the one row'
        : key.map((cell, place) => (
            // oxlint-disable-next-line react/no-array-index-key -- the place is what a part of a key is
            <span key={place} className="query-key">
              <CellView cell={cell} />
            </span>
          )),
  },
  {
    id: 'column',
    title: 'Column',
    value: ({ column }) => column ?? 'whole row',
    cell: ({ column }) => column ?? <em>whole row</em>,
  },
  {
    id: 'values',
    title: 'Value on nodes, most first',
    value: ({ values }) =>
      values.map((each) => `${each.text}: ${each.nodeIds.join(' ')}`).join('; '),
    cell: ({ values }) => (
      <ul className="query-values">
        {values.map(({ text, value, nodeIds }, place) => (
          <li key={text} className={place === 0 ? undefined : 'query-other'}>
            {value === undefined ? text : <CellView cell={value} />}
            <span className="aside"> on {nodeIds.join(', ')}</span>
          </li>
        ))}
      </ul>
    ),
  },
]

/** Whether the nodes have the same rows, and if not, cell by cell who has what. */
export function Comparison({ comparison, answered, silent }: ComparisonProps) {
  const { is_equal, is_complete, key, equal_rows, differing, differing_rows } = comparison
  const isSure = is_equal && is_complete && silent.length === 0
  const matched = key.length === 0 ? 'as a whole' : `by ${key.join(', ')}`
  return (
    <div className="query-comparison">
      <p>
        {differing_rows > 0 ? (
          <Badge tone="bad">
            {formatCount(differing_rows)} {differing_rows === 1 ? 'row differs' : 'rows differ'}
          </Badge>
        ) : (
          <Badge tone={isSure ? 'good' : 'warn'}>
            {isSure ? 'equal' : 'equal as far as rows came'}
          </Badge>
        )}{' '}
        {formatCount(equal_rows)} {equal_rows === 1 ? 'row is' : 'rows are'} the same on{' '}
        {answered.join(', ')}, matched {matched}.
        {!is_complete && ' A limit cut the rows of a node: what it left out is not compared.'}
        {silent.length > 0 && ` Not compared: ${silent.join(', ')}, which did not answer.`}
      </p>
      {differing.length < differing_rows && <p>The first {differing.length} of them:</p>}
      {differing.length > 0 && (
        <Table
          caption="Cells that differ between nodes"
          columns={columns}
          rows={differencesOf(differing, answered)}
          keyOf={({ id }) => id}
          empty=""
          file="query-differences"
        />
      )}
    </div>
  )
}
