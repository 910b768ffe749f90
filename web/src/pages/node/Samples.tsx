import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Empty } from '../../components/Notice.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { useLiveEvents } from '../../live/hooks.ts'
import { payloadOf } from '../../live/payloads.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import { appendSamples, toSamples } from './samples.ts'

const SampleCharts = lazy(() =>
  import('./SampleCharts.tsx').then((module) => ({ default: module.SampleCharts })),
)

// A sample comes each five seconds; between two askings they come with the events.
const everyMs = 60_000
const mostSamples = 5000

/** How a node's agent and services did over the time range. */
export function Samples({ nodeId }: { nodeId: string }) {
  const { key, since, until } = useTimeRange()
  const queries = useQueryClient()
  const queryKey = ['samples', nodeId, key]
  const subjects = `corro.node.sampled.${nodeId}`
  const read = async () => {
    const reply = await gateway.records({ subjects, since: since(), until, limit: mostSamples })
    return { samples: toSamples(reply.records), isCut: reply.is_cut }
  }
  const query = useQuery({
    queryKey,
    queryFn: read,
    refetchInterval: until === undefined && everyMs,
    placeholderData: keepPreviousData,
  })
  useLiveEvents({ subjects }, (events) => {
    if (until !== undefined) return
    const later = events.flatMap((event) => payloadOf(event, 'node.sampled') ?? [])
    queries.setQueryData<Awaited<ReturnType<typeof read>>>(
      queryKey,
      (old) => old && { ...old, samples: appendSamples(old.samples, later, since()) },
    )
  })
  return (
    <DataPanel
      title={`Samples of ${nodeId}`}
      what="the samples"
      query={query}
      {...(until === undefined ? { everyMs } : {})}
    >
      {({ samples, isCut }) => {
        const [first] = samples
        const last = samples.at(-1)
        if (!first || !last) {
          return (
            <Empty>
              No sample of {nodeId} in this time range. Its config-manager takes one each five
              seconds; they are kept for hours.
            </Empty>
          )
        }
        return (
          <>
            {isCut && (
              <p className="note warn">
                Only the newest {samples.length} samples of the range are shown.
              </p>
            )}
            <Suspense fallback={<p className="loading">Loading the charts …</p>}>
              <SampleCharts samples={samples} />
            </Suspense>
          </>
        )
      }}
    </DataPanel>
  )
}
