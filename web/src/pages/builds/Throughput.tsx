import type { BuildThroughputReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'

const everyMs = 30_000
const hours = 24

type Hour = BuildThroughputReply['hours'][number]

/** How builds ended, hour by hour. */
export function Throughput() {
  const query = useQuery({
    queryKey: ['build-throughput'],
    queryFn: () => gateway.buildThroughput(hours),
    refetchInterval: everyMs,
  })
  return (
    <DataPanel
      title="Ended within a day"
      className="wide"
      query={query}
      what="the throughput"
      everyMs={everyMs}
    >
      {(reply) => (
        <Table
          caption="Builds that ended, by hour"
          columns={columns}
          rows={reply.hours}
          keyOf={({ from }) => from}
          empty="No build ended within a day."
          file="build-throughput"
        />
      )}
    </DataPanel>
  )
}

const columns: readonly Column<Hour>[] = [
  timeColumn('from', 'Hour from', ({ from }) => from),
  figureColumn('completed', 'Completed', ({ completed }) => completed, formatCount),
  figureColumn('failed', 'Failed', ({ failed }) => failed, formatCount),
  figureColumn('cancelled', 'Cancelled', ({ cancelled }) => cancelled, formatCount),
  figureColumn('dead', 'Dead', ({ dead }) => dead, formatCount),
  textColumn('waited', 'Waited, median', ({ waitedP50Ms }) => durationOf(waitedP50Ms)),
  textColumn('took', 'Took, median', ({ tookP50Ms }) => durationOf(tookP50Ms)),
]

function durationOf(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms)
}
