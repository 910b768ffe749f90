import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { nodesQuery } from '../../api/queries.ts'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { Twin } from '../../components/Twin.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import { formatDuration, formatTime } from '../../format/time.ts'
import { eventOf, payloadOf } from '../../live/payloads.ts'
import { usePreferences } from '../../shell/preferences.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { cellsOf, type Heat, type HeatCell, heatOf, levelOf } from './heat.ts'

const everyMs = 10_000
const mostRecords = 5000
const mostRows = 60

/** Which node saw how many messages for the first time, and when. */
export function HeatMap({ range }: { range: TimeRange }) {
  const { data: known } = useQuery(nodesQuery)
  const query = useQuery({
    queryKey: ['records', 'corro.message.received.*', range.key],
    queryFn: async () => {
      const since = range.since()
      const { until } = range
      const subjects = 'corro.message.received.*'
      const reply = await gateway.records({ subjects, since, until, limit: mostRecords })
      const sights = reply.records.flatMap((record) => {
        const received = payloadOf(eventOf(record), 'message.received')
        return received ? { nodeId: received.nodeId, at: received.receivedAt } : []
      })
      const sinceMs = Date.parse(since)
      return { sights, sinceMs, untilMs: sinceMs + range.lengthMs, isCut: reply.is_cut }
    },
    refetchInterval: range.until === undefined ? everyMs : false,
  })
  return (
    <DataPanel
      title="First sights by node and time"
      what="the first sights"
      query={query}
      {...(range.until === undefined ? { everyMs } : {})}
    >
      {({ sights, isCut, ...times }) => {
        const heat = heatOf(sights, known?.nodes.map(({ node_id }) => node_id) ?? [], times)
        if (sights.length === 0) {
          return <Empty>No node saw a message of another one in this time range.</Empty>
        }
        return (
          <>
            <Twin id="heat" picture={<Picture heat={heat} />} table={<Figures heat={heat} />} />
            <p className="hint">
              n = {formatCount(sights.length)}
              {isCut && ', the newest ones only: choose a shorter time range for all'}; each part is{' '}
              {formatDuration(heat.partMs)} long, by the clock of the node that saw it.
            </p>
          </>
        )
      }}
    </DataPanel>
  )
}

function Picture({ heat }: { heat: Heat }) {
  const { nodeIds, parts, partMs, counts, most } = heat
  const { zone } = usePreferences()
  const withDate = parts.length * partMs > 12 * 3_600_000
  const time = (ms: number) => formatTime(ms, zone, { withDate, withMilliseconds: false })
  const shown = nodeIds.slice(0, mostRows)
  const label = `First sights of ${nodeIds.length} nodes in ${parts.length} parts of time, at most ${most} in one`
  return (
    <figure className="messages-heat">
      <div role="img" aria-label={label} className="cells">
        {shown.map((nodeId) => (
          <div key={nodeId} className="line">
            <span className="name">{nodeId}</span>
            {(counts.get(nodeId) ?? []).map((count, index) => (
              <span
                key={parts[index]}
                className={`cell level-${levelOf(count, most)}`}
                title={`${nodeId}, ${time(parts[index] ?? 0)}: ${count}`}
              />
            ))}
          </div>
        ))}
        <div className="line scale">
          <span className="name" />
          <span>{time(parts[0] ?? 0)}</span>
          <span>{time((parts.at(-1) ?? 0) + partMs)}</span>
        </div>
      </div>
      {nodeIds.length > mostRows && (
        <figcaption className="hint">
          The first {mostRows} of {nodeIds.length} nodes; the table has all.
        </figcaption>
      )}
    </figure>
  )
}

function Figures({ heat }: { heat: Heat }) {
  return (
    <div className="messages-rows">
      <Table
        caption="First sights by node and part of time"
        file="first-sights"
        columns={columns}
        rows={cellsOf(heat)}
        keyOf={({ nodeId, fromMs }) => `${nodeId} ${fromMs}`}
        empty="Nothing was seen."
      />
    </div>
  )
}

const columns: Column<HeatCell>[] = [
  {
    id: 'from',
    title: 'From',
    value: ({ fromMs }) => new Date(fromMs).toISOString(),
    cell: ({ fromMs }) => <Time at={fromMs} withDate />,
  },
  textColumn('node', 'Node', ({ nodeId }) => nodeId),
  figureColumn('count', 'First sights', ({ count }) => count, formatCount),
]
