import type { ClockSampled, RecordsReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { formatAge } from '../../format/time.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { type Alarm, alarmsOf, type Sample } from './clock-alarms.ts'
import { durationText } from './clock-text.ts'

const everyMs = 10_000
const mostSamples = 5000

const columns: readonly Column<Alarm>[] = [
  {
    id: 'state',
    title: 'State',
    value: ({ isOver }) => (isOver ? 'over' : 'alarm'),
    cell: ({ isOver }) => (
      <Badge tone={isOver ? 'quiet' : 'bad'}>{isOver ? 'over' : 'alarm'}</Badge>
    ),
  },
  textColumn('ahead', 'Ahead', ({ ahead }) => ahead),
  textColumn('behind', 'Behind', ({ behind }) => behind),
  figureColumn('apart_ms', 'Apart by at least', ({ apartMs }) => apartMs, durationText),
  timeColumn('from', 'From', ({ from }) => from),
  {
    id: 'lasted_ms',
    title: 'Lasted',
    align: 'right',
    value: ({ from, to }) => to - from,
    cell: ({ from, to }) => formatAge(to - from),
  },
]

/** Which clocks were too far apart in the time range, from the samples that the streams still have. */
export function ClockAlarms({ range }: { range: TimeRange }) {
  const query = useQuery({
    queryKey: ['clock-samples', range.key],
    queryFn: () =>
      gateway.records({
        subjects: 'corro.clock.sampled.*',
        since: range.since(),
        until: range.until,
        limit: mostSamples,
      }),
    refetchInterval: everyMs,
  })
  return (
    <DataPanel
      title="Alarms of the time range"
      query={query}
      what="clock samples"
      everyMs={everyMs}
    >
      {(reply) => (
        <>
          <Table
            caption="Clocks that were too far apart"
            columns={columns}
            rows={alarmsOf(samplesOf(reply), Date.parse(range.until ?? reply.timestamp))}
            keyOf={({ ahead, behind, from }) => `${ahead} ${behind} ${from}`}
            empty={emptyText(reply)}
            file="clock-alarms"
          />
          <p className="hint">
            n = {formatCount(reply.count)} samples
            {reply.is_cut && `, the newest ${formatCount(mostSamples)}: older ones are left out`}.
            Streams keep them for 6 hours.
          </p>
        </>
      )}
    </DataPanel>
  )
}

function emptyText({ count }: RecordsReply): string {
  return count === 0
    ? 'No sample is in this time range, so nothing is known of alarms.'
    : 'No two clocks were surely too far apart.'
}

function samplesOf({ records }: RecordsReply): Sample[] {
  return records.flatMap(({ violation, payload }) => {
    if (violation !== null) return []
    // The gateway checked it against its contract.
    const { nodeId, at, offsetMs, boundMs } = payload as ClockSampled
    return [{ nodeId, at: Date.parse(at), offsetMs, boundMs }]
  })
}
