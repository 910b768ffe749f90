import type { Operation } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { nodesQuery } from '../../api/queries.ts'
import { Choice } from '../../components/Field.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatDuration } from '../../format/time.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { given } from '../../search.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import { latestOperations } from './latest-operations.ts'
import { byColumn, startedColumn, stateColumn, tookColumn } from './work-columns.tsx'

const everyMs = 10_000
const subjects = 'corro.operation.changed.*'
const mostRecords = 3000

/** What nodes did at length: restart, join, leave. Of one node as it says itself, of all as records say. */
export function NodeOperations() {
  const { node } = useSearch({ from: '/operations' })
  const range = useTimeRange()
  const queryKey = ['operations', node, node === undefined ? range.key : '']
  const query = useQuery({
    queryKey,
    queryFn: async () => {
      if (node !== undefined) {
        const { operations } = await gateway.operations(node)
        return { operations, isCut: false }
      }
      const { until } = range
      const asked = { subjects, since: range.since(), until, limit: mostRecords }
      const { records, is_cut: isCut } = await gateway.records(asked)
      return { operations: latestOperations(records), isCut }
    },
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ topics: ['operations'] }, queryKey, ({ name }) => name === 'operation.changed')
  return (
    <DataPanel
      title="Operations of nodes"
      what="the operations"
      query={query}
      everyMs={everyMs}
      actions={<NodeChoice />}
    >
      {({ operations, isCut }) => (
        <>
          <Table
            caption="Operations of nodes, newest first"
            file="operations"
            columns={columns}
            rows={operations}
            keyOf={({ id }) => id}
            empty={
              node === undefined
                ? 'No node was restarted, joined or left in this time range. Choose a longer one, or one node for its latest.'
                : `${node} did nothing of that kind yet.`
            }
          />
          {isCut && <p className="hint">Older ones of the time range are not shown.</p>}
        </>
      )}
    </DataPanel>
  )
}

function NodeChoice() {
  const { node = '' } = useSearch({ from: '/operations' })
  const navigate = useNavigate({ from: '/operations' })
  const { data } = useQuery(nodesQuery)
  const known = new Set([...(data?.nodes ?? []).map(({ node_id }) => node_id), node])
  known.delete('')
  return (
    <Choice
      label="Of"
      value={node}
      options={[
        { value: '', label: 'all nodes, in the time range' },
        ...[...known].toSorted().map((value) => ({ value, label: `${value}, its latest` })),
      ]}
      onChange={(value) =>
        void navigate({
          search: ({ node: _node, ...old }) => ({
            ...old,
            ...given({ node: value === '' ? undefined : value }),
          }),
          replace: true,
          resetScroll: false,
        })
      }
    />
  )
}

const columns: Column<Operation>[] = [
  startedColumn,
  {
    id: 'node',
    title: 'Node',
    value: ({ node_id }) => node_id,
    cell: ({ node_id }) => <NodeLink id={node_id} />,
  },
  textColumn('kind', 'What', ({ kind }) => kind),
  stateColumn,
  tookColumn,
  {
    id: 'steps',
    title: 'Steps',
    value: ({ steps }) => steps.map(wordsOf).join(', '),
    cell: ({ steps }) => (
      <ol className="operations-steps">
        {steps.map((step, index) => (
          // A name may come twice, and no step ever changes its place.
          <li key={index} className={step.state} title={step.detail ?? undefined}>
            {wordsOf(step)}
          </li>
        ))}
      </ol>
    ),
  },
  byColumn,
]

function wordsOf({ name, state, ms }: Operation['steps'][number]): string {
  if (ms === null) return `${name}: ${state}`
  return state === 'done'
    ? `${name} ${formatDuration(ms)}`
    : `${name} ${state} ${formatDuration(ms)}`
}
