import type { ConvergenceReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Age } from '../../components/Age.tsx'
import { Badge } from '../../components/Badge.tsx'
import { useNow } from '../../components/clock.ts'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatCount } from '../../format/number.ts'
import { formatAge } from '../../format/time.ts'

/** Whether all nodes have the same rows; asked for by a person, since each node reads them all. */
export function Convergence() {
  const { data, error, dataUpdatedAt, isFetching, refetch } = useQuery({
    queryKey: ['convergence'],
    queryFn: gateway.convergence,
    enabled: false,
    retry: false,
    // It stays while the page is looked at elsewhere; its age is beside it.
    gcTime: 3_600_000,
  })
  return (
    <Panel
      title="Proof of convergence"
      aside={data && <Age at={dataUpdatedAt} staleAfterMs={60_000} />}
      actions={
        <button
          type="button"
          disabled={isFetching}
          aria-busy={isFetching}
          onClick={() => void refetch()}
        >
          Compare all rows
        </button>
      }
    >
      {isFetching && <Waiting />}
      {data === undefined && error === null && !isFetching && (
        <Empty>
          Not asked yet. Each node then makes a digest over all rows of each replicated table.
        </Empty>
      )}
      {error !== null && !isFetching && (
        <ErrorNote error={error} what="the comparison" onRetry={() => void refetch()} />
      )}
      {data && <Result of={data} />}
      <p className="hint">
        The same by hand: <code>npx corroport cluster convergence</code>
      </p>
    </Panel>
  )
}

function Waiting() {
  const [since] = useState(() => Date.now())
  const now = useNow()
  return (
    <p className="loading" aria-busy="true">
      Every node is asked at once, for {formatAge(now - since)}; one that does not answer is given
      22 s.
    </p>
  )
}

function Result({ of }: { of: ConvergenceReply }) {
  const { is_converged, tables, answered, unanswered, left_out } = of
  return (
    <>
      <p aria-live="polite">
        {is_converged ? <Badge tone="good">converged</Badge> : <Badge tone="bad">not proven</Badge>}{' '}
        {is_converged
          ? `all ${answered.length} nodes have the same rows in each table`
          : unanswered.length > 0
            ? `${unanswered.length} of ${answered.length + unanswered.length} nodes did not answer`
            : 'nodes differ: while rows are written they do for a moment; compare again'}
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

type Group = ConvergenceReply['tables'][number]['groups'][number]

function describeGroup({ digest, rows, node_ids }: Group): string {
  const what =
    digest === null ? 'no such table' : `${formatCount(rows)} rows (${digest.slice(0, 8)})`
  return `${what}: ${node_ids.join(', ')}`
}

const tableColumns: readonly Column<ConvergenceReply['tables'][number]>[] = [
  { id: 'table', title: 'Table', value: ({ table }) => table, cell: ({ table }) => table },
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
