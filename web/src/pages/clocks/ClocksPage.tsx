import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { useTimeRange } from '../../shell/time-range.ts'
import { ClockAlarms } from './ClockAlarms.tsx'
import { ClockHistory } from './ClockHistory.tsx'
import { ClockMeaning } from './ClockMeaning.tsx'
import { ClockTable } from './ClockTable.tsx'
import { compareClocks } from './clock-order.ts'
import { hoursOf, upTo } from './range-hours.ts'
import { TrafficPropagation } from './TrafficPropagation.tsx'
import './clocks.css'

const everyMs = 5000

/** How far the clocks of the nodes are apart, and what real traffic says with them. */
export function ClocksPage() {
  const { node } = useSearch({ from: '/clocks' })
  const range = useTimeRange()
  const clocks = useQuery({
    queryKey: ['clocks'],
    queryFn: () => gateway.clocks({}),
    refetchInterval: everyMs,
  })
  const compared = compareClocks(clocks.data?.clocks ?? [])
  const nodeId = node ?? compared[0]?.node_id
  const history = useQuery({
    queryKey: ['clock-history', nodeId, range.key],
    queryFn: () => gateway.clocks({ node: nodeId, hours: hoursOf(range, 0.01) }),
    enabled: nodeId !== undefined,
    refetchInterval: 2 * everyMs,
    // Samples of another clock are none of this one.
    placeholderData: (data, before) => (before?.queryKey[1] === nodeId ? data : undefined),
  })
  return (
    <>
      <h1>Clocks</h1>
      <div className="panels">
        <DataPanel
          title="Clocks of all nodes"
          className="wide"
          query={clocks}
          what="the clocks"
          everyMs={everyMs}
        >
          {({ reference }) => (
            <>
              <ClockTable clocks={compared} chosen={nodeId} />
              <p className="hint">Zero is the clock of {reference}.</p>
              <ClockMeaning />
            </>
          )}
        </DataPanel>
        {nodeId !== undefined && (
          <DataPanel
            title={`Clock of ${nodeId}`}
            query={history}
            what={`the clock of ${nodeId}`}
            everyMs={2 * everyMs}
          >
            {(reply) => {
              const samples = upTo(reply.history, range, ({ at }) => at)
              return (
                <>
                  <ClockHistory nodeId={nodeId} samples={samples} />
                  <p className="hint">n = {samples.length} samples</p>
                </>
              )
            }}
          </DataPanel>
        )}
        <ClockAlarms range={range} />
        <TrafficPropagation range={range} />
      </div>
    </>
  )
}
