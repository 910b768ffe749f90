import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { operationQuery } from '../api/queries.ts'
import { formatDuration } from '../format/time.ts'
import { useLiveEvents } from '../live/hooks.ts'
import { payloadOf } from '../live/payloads.ts'
import { Elapsed } from '../shell/Elapsed.tsx'
import { State } from './Badge.tsx'
import { DataPanel } from './Panel.tsx'
import { Steps } from './Steps.tsx'
import { Time } from './Time.tsx'

interface OperationProgressProps {
  id: string
  /** Shown beside the heading once it has ended. */
  whenEnded?: ReactNode
}

/** Long work of one node, step by step while it happens. */
export function OperationProgress({ id, whenEnded }: OperationProgressProps) {
  const queries = useQueryClient()
  const query = useQuery(operationQuery(id))
  const nodeId = id.slice(0, id.lastIndexOf('_'))
  useLiveEvents({ subjects: `corro.operation.changed.${nodeId}` }, (events) => {
    const latest = events
      .map((event) => payloadOf(event, 'operation.changed')?.operation)
      .findLast((operation) => operation?.id === id)
    if (!latest) return
    queries.setQueryData(operationQuery(id).queryKey, (old) => old && { ...old, operation: latest })
  })
  return (
    <DataPanel
      title={`Operation on ${nodeId}`}
      what="the operation"
      query={query}
      actions={query.data?.operation.state === 'running' ? undefined : whenEnded}
      className="wide"
    >
      {({ operation: { kind, by, state, reason, steps, started_at, finished_at } }) => (
        <>
          <p aria-live="polite">
            <strong>{kind}</strong> <State of={state} /> begun <Time at={started_at} /> by {by},{' '}
            {finished_at === null ? (
              <>
                for <Elapsed since={started_at} />
              </>
            ) : (
              `took ${formatDuration(Date.parse(finished_at) - Date.parse(started_at))}`
            )}
          </p>
          {reason !== null && <p className="note bad">{reason}</p>}
          <Steps of={steps} />
        </>
      )}
    </DataPanel>
  )
}
