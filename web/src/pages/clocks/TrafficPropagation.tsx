import type { Propagation } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Choice } from '../../components/Field.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { given } from '../../search.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { boundText, durationText } from './clock-text.ts'
import { hoursOf, upTo } from './range-hours.ts'

const everyMs = 30_000

const duration = (
  id: 'p50_ms' | 'p95_ms' | 'p99_ms' | 'max_ms' | 'corrosion_p99_lag_ms',
  title: string,
) => figureColumn<Propagation, number | null>(id, title, (row) => row[id], durationText)
const count = (id: 'n' | 'negatives' | 'without_clock', title: string) =>
  figureColumn<Propagation, number>(id, title, (row) => row[id], formatCount)

const columns: readonly Column<Propagation>[] = [
  timeColumn('hour', 'Hour', ({ hour }) => hour),
  textColumn('table', 'Table', ({ table }) => table),
  textColumn('origin_node_id', 'Written by', (row) => row.origin_node_id),
  textColumn('node_id', 'Seen by', (row) => row.node_id),
  count('n', 'n'),
  duration('p50_ms', 'Median'),
  { ...duration('p95_ms', 'p95'), note: 'n ≥ 20' },
  { ...duration('p99_ms', 'p99'), note: 'n ≥ 100' },
  duration('max_ms', 'Longest'),
  {
    ...figureColumn<Propagation, number | null>(
      'bound_ms',
      'Bound',
      (row) => row.bound_ms,
      boundText,
    ),
    note: 'of both clocks',
  },
  { ...count('negatives', 'Negative'), note: 'seen before written' },
  { ...count('without_clock', 'Without clock'), note: 'not in the figures' },
  { ...duration('corrosion_p99_lag_ms', 'Corrosion’s p99'), note: 'clocks not corrected' },
]

/** How long rows of real traffic took, by hour, table and pair of nodes. */
export function TrafficPropagation({ range }: { range: TimeRange }) {
  const { table } = useSearch({ from: '/clocks' })
  const navigate = useNavigate({ from: '/clocks' })
  const query = useQuery({
    queryKey: ['propagation', range.key, table],
    queryFn: () => gateway.propagation({ hours: hoursOf(range, 0.1), table }),
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
                  resetScroll: false,
                })
              }
            />
          </div>
          <Table
            caption="From write to sight, by hour, table and pair of nodes"
            columns={columns}
            rows={upTo(propagation, range, ({ hour }) => hour)}
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
