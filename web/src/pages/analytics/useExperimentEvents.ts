import type { ExperimentReply, ExperimentsReply } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useLiveEvents } from '../../live/hooks.ts'
import { payloadOf } from '../../live/payloads.ts'

type Told = Pick<ExperimentReply, 'progress'> & Pick<ExperimentReply['experiment'], 'status'>

/** Puts what the cluster tells of experiments beside what was asked; at their end it is asked anew. */
export function useExperimentEvents(): void {
  const queries = useQueryClient()
  useLiveEvents({ topics: ['experiments'] }, (events) => {
    const progressed = new Map<string, Told>()
    const changed = new Set<string>()
    for (const event of events) {
      const hint = payloadOf(event, 'hint.experiment')
      if (hint) progressed.set(hint.experimentId, hint)
      const moved =
        payloadOf(event, 'experiment.started') ?? payloadOf(event, 'experiment.finished')
      if (moved) changed.add(moved.experimentId)
    }
    for (const [id, told] of progressed) {
      const known = queries.getQueryData<ExperimentReply>(['experiment', id])
      // The hint does not say why, and when, a status was left.
      if (known && known.experiment.status !== told.status) changed.add(id)
      queries.setQueryData<ExperimentReply>(['experiment', id], (reply) =>
        reply ? { ...reply, ...merge(reply, told) } : reply,
      )
      queries.setQueriesData<ExperimentsReply>({ queryKey: ['experiments'] }, (reply) =>
        reply
          ? {
              ...reply,
              experiments: reply.experiments.map((one) =>
                one.experiment.id === id ? merge(one, told) : one,
              ),
            }
          : reply,
      )
    }
    if (changed.size === 0) return
    void queries.invalidateQueries({ queryKey: ['experiments'] })
    for (const id of changed) void queries.invalidateQueries({ queryKey: ['experiment', id] })
  })
}

type One = Pick<ExperimentReply, 'experiment' | 'progress'>

function merge({ experiment }: One, { status, progress }: Told): One {
  return { experiment: { ...experiment, status }, progress }
}
