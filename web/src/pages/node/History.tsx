import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { Empty } from '../../components/Notice.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { timeColumn } from '../../components/time-column.tsx'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import { type Happening, happeningsOf, subjectsOf } from './history.ts'

const everyMs = 30_000
const mostRecords = 1000

/** What happened to a node in the time range: restarts, changes, operations, subscriptions. */
export function History({ nodeId }: { nodeId: string }) {
  const { key, since, until } = useTimeRange()
  const subjects = subjectsOf(nodeId)
  const queryKey = ['history', nodeId, key]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.records({ subjects, since: since(), until, limit: mostRecords }),
    refetchInterval: until === undefined && everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ subjects }, queryKey, () => until === undefined)
  return (
    <DataPanel
      title={`History of ${nodeId}`}
      what="the history"
      query={query}
      {...(until === undefined ? { everyMs } : {})}
    >
      {({ records, is_cut }) => (
        <>
          {is_cut && <p className="note warn">Only the newest {mostRecords} records are shown.</p>}
          <Table
            caption={`What happened to ${nodeId}`}
            file={`history-${nodeId}`}
            rows={happeningsOf(records)}
            keyOf={(happening) => happening.key}
            columns={columns}
            empty={
              <Empty>
                Nothing happened to {nodeId} in this time range. Restarts, changes of its file and
                what becomes of its subscriptions are kept for weeks: choose a longer range.
              </Empty>
            }
          />
        </>
      )}
    </DataPanel>
  )
}

const columns: readonly Column<Happening>[] = [
  timeColumn('at', 'At', ({ at }) => at),
  {
    id: 'name',
    title: 'Event',
    value: ({ name }) => name,
    cell: ({ name, tone }) => <Badge tone={tone}>{name}</Badge>,
  },
  {
    id: 'text',
    title: 'What',
    value: ({ text }) => text,
    cell: ({ text }) => <span className="node-what">{text}</span>,
  },
]
