import type { ConvergenceReply } from '@corroport/contracts'
import { gateway } from '../../api/gateway.ts'
import { AskedPanel } from '../../components/AskedPanel.tsx'
import { Badge } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'

/** Whether all nodes have the same rows; asked for by a person, since each node reads them all. */
export function Convergence() {
  return (
    <AskedPanel
      title="Proof of convergence"
      what="the comparison"
      action="Compare all rows"
      queryKey={['convergence']}
      queryFn={gateway.convergence}
      notYet="Not asked yet. Each node then makes a digest over all rows of each replicated table."
      meanwhile="Every node is asked at once; one that does not answer is given 22 s."
      hint={
        <>
          The same by hand: <code>npx corroport cluster convergence</code>
        </>
      }
    >
      {(reply) => <Result of={reply} />}
    </AskedPanel>
  )
}

function Result({ of }: { of: ConvergenceReply }) {
  const { is_converged, tables, unanswered, left_out } = of
  return (
    <>
      <p aria-live="polite">
        {is_converged ? <Badge tone="good">converged</Badge> : <Badge tone="bad">not proven</Badge>}{' '}
        {verdictOf(of)}
      </p>
      <Table
        caption="Replicated tables"
        file="convergence"
        rows={tables}
        keyOf={({ table }) => table}
        empty="No node replicates a table."
        columns={tableColumns}
      />
      {unanswered.length > 0 && (
        <ul>
          {unanswered.map(({ node_id, reason }) => (
            <li key={node_id}>
              <strong>{node_id}</strong>: {reason}
            </li>
          ))}
        </ul>
      )}
      {left_out.length > 0 && (
        <p className="hint">Not compared, since they change all the time: {left_out.join(', ')}.</p>
      )}
    </>
  )
}

function verdictOf({ is_converged, tables, answered, unanswered }: ConvergenceReply): string {
  if (is_converged) return `all ${answered.length} nodes have the same rows in each table`
  const why: string[] = []
  if (unanswered.length > 0) {
    why.push(`${unanswered.length} of ${answered.length + unanswered.length} nodes did not answer`)
  }
  if (why.length === 0 || tables.some(({ is_equal }) => !is_equal)) {
    why.push('nodes differ: while rows are written they do for a moment; compare again')
  }
  return why.join('; ')
}

type Group = ConvergenceReply['tables'][number]['groups'][number]

function describeGroup({ digest, rows, node_ids }: Group): string {
  const what =
    digest === null ? 'no such table' : `${formatCount(rows)} rows (${digest.slice(0, 8)})`
  return `${what}: ${node_ids.join(', ')}`
}

const tableColumns: readonly Column<ConvergenceReply['tables'][number]>[] = [
  textColumn('table', 'Table', ({ table }) => table),
  {
    id: 'equal',
    title: 'Rows are',
    value: ({ is_equal }) => (is_equal ? 'equal' : 'different'),
    cell: ({ is_equal }) =>
      is_equal ? <Badge tone="good">equal</Badge> : <Badge tone="bad">different</Badge>,
  },
  {
    id: 'rows',
    title: 'Rows',
    align: 'right',
    value: ({ rows }) => rows,
    cell: ({ rows }) => (rows === null ? 'differ' : formatCount(rows)),
  },
  {
    id: 'groups',
    title: 'Nodes with the same rows',
    value: ({ groups }) => groups.map(describeGroup).join('; '),
    cell: ({ groups }) => (
      <ul className="cluster-groups">
        {groups.map((group) => (
          <li key={group.digest} title={group.digest ?? undefined}>
            {describeGroup(group)}
          </li>
        ))}
      </ul>
    ),
  },
]
