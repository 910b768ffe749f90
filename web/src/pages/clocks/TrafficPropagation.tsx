import type { Propagation } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Choice } from '../../components/Field.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { given } from '../../search.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { boundText, durationText } from './clock-text.ts'

const everyMs = 30_000
const hourMs = 3_600_000

function duration(
  id: 'p50_ms' | 'p95_ms' | 'p99_ms' | 'max_ms' | 'corrosion_p99_lag_ms',
  title: string,
  note?: string,
): Column<Propagation> {
  return {
    id,
    title,
    ...(note === undefined ? {} : { note }),
    align: 'right',
    value: (row) => row[id],
    cell: (row) => durationText(row[id]),
  }
}

function count(
  id: 'n' | 'negatives' | 'without_clock',
  title: string,
  note?: string,
): Column<Propagation> {
  return {
    id,
    title,
    ...(note === undefined ? {} : { note }),
    align: 'right',
    value: (row) => row[id],
    cell: (row) => formatCount(row[id]),
  }
}

const columns: readonly Column<Propagation>[] = [
  {
    id: 'hour',
    title: 'Hour',
    value: ({ hour }) => hour,
    cell: ({ hour }) => <Time at={hour} withDate />,
  },
  { id: 'table', title: 'Table', value: ({ table }) => table, cell: ({ table }) => table },
  {
    id: 'origin_node_id',
    title: 'Written by',
    value: (row) => row.origin_node_id,
    cell: (row) => row.origin_node_id,
  },
  { id: 'node_id', title: 'Seen by', value: (row) => row.node_id, cell: (row) => row.node_id },
  count('n', 'n'),
  duration('p50_ms', 'Median'),
  duration('p95_ms', 'p95', 'n ≥ 20'),
  duration('p99_ms', 'p99', 'n ≥ 100'),
  duration('max_ms', 'Longest'),
  {
    id: 'bound_ms',
    title: 'Bound',
    note: 'of both clocks',
    align: 'right',
    value: (row) => row.bound_ms,
    cell: (row) => boundText(row.bound_ms),
  },
  count('negatives', 'Negative', 'seen before written'),
  count('without_clock', 'Without clock', 'not in the figures'),
  duration('corrosion_p99_lag_ms', 'Corrosion’s p99', 'clocks not corrected'),
]

/** How long rows of real traffic took, by hour, table and pair of nodes. */
export function TrafficPropagation({ range }: { range: TimeRange }) {
  const { table } = useSearch({ from: '/clocks' })
  const navigate = useNavigate({ from: '/clocks' })
  const query = useQuery({
    queryKey: ['propagation', range.key, table],
    queryFn: () => gateway.propagation({ hours: hoursOf(range), table }),
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  const tables = new Set(query.data?.propagation.map((row) => row.table))
  if (table !== undefined) tables.add(table)
  return (
    <DataPanel
      title="Propagation of real traffic"
      className="wide"
      query={query}
      what="the propagation"
      everyMs={everyMs}
    >
      {({ propagation, next }) => (
        <>
          <div className="toolbar">
            <Choice
              label="Table"
              value={table ?? ''}
              options={[
                { value: '', label: 'all tables' },
                ...[...tables].toSorted().map((name) => ({ value: name, label: name })),
              ]}
              onChange={(value) =>
                void navigate({
                  search: ({ table: _table, ...rest }) => ({
                    ...rest,
                    ...given({ table: value === '' ? undefined : value }),
                  }),
                  replace: true,
                })
              }
            />
          </div>
          <Table
            caption="From write to sight, by hour, table and pair of nodes"
            columns={columns}
            rows={propagation.filter(({ hour }) => hour <= (range.until ?? '9'))}
            keyOf={(row) => `${row.hour} ${row.table} ${row.origin_node_id} ${row.node_id}`}
            empty="No row was written by one node and seen by another in these hours. Any write to a watched table brings one."
            file="propagation"
          />
          <p className="hint">
            Whole hours, from the one in which the time range begins. Each row says when its origin
            wrote it; both clocks are corrected.
            {next !== null &&
              ' Only the newest 2,000 lines are shown: choose a table or less time.'}
          </p>
        </>
      )}
    </DataPanel>
  )
}

function hoursOf(range: TimeRange): number {
  const hours = (Date.now() - Date.parse(range.since())) / hourMs
  return Math.min(24 * 28, Math.max(0.1, hours))
}
