import type { Rollout } from '@corroport/contracts'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { toast } from '../../components/toasts.ts'
import { useLiveEvents } from '../../live/hooks.ts'
import { payloadOf } from '../../live/payloads.ts'
import { useFollowed } from '../../shell/operation.ts'

export const rolloutEveryMs = 1000

export function isOver(rollout: Rollout | undefined): boolean {
  return rollout !== undefined && rollout.finished_at !== null
}

/** A rollout, as events tell it while it happens. */
export function useRollout(id: string) {
  const queries = useQueryClient()
  const queryKey = ['rollout', id]
  useLiveEvents({ subjects: 'corro.rollout.changed.*' }, (events) => {
    const latest = events
      .map((event) => payloadOf(event, 'rollout.changed')?.rollout)
      .findLast((rollout) => rollout?.id === id)
    if (!latest) return
    queries.setQueryData<Awaited<ReturnType<typeof gateway.rollout>>>(
      queryKey,
      (old) => old && { ...old, rollout: latest },
    )
  })
  return useQuery({
    queryKey,
    queryFn: () => gateway.rollout(id),
    refetchInterval: ({ state }) => (isOver(state.data?.rollout) ? false : rolloutEveryMs),
  })
}

/** Says the end of what was seen running, with the way back where there is one. */
export function useEndTold(rollout: Rollout | undefined): void {
  const follow = useFollowed('/node')
  const wasRunning = useRef(false)
  const isTold = useRef(false)
  const tell = useEffectEvent((ended: Rollout) => {
    const { state, nodes, reason } = ended
    if (state !== 'succeeded') {
      const why = reason === null ? '' : `: ${reason}`
      toast(state === 'aborted' ? 'info' : 'bad', `the rollout is ${state}${why}`)
      return
    }
    const nodeIds = nodes.flatMap((node) => (node.state === 'done' ? [node.node_id] : []))
    const [only, ...others] = nodeIds
    const rollBack = (nodeId: string): void => {
      follow(`rolling back ${nodeId}`, gateway.rollback(nodeId)).catch((error: unknown) =>
        toast('bad', `${nodeId} was not rolled back: ${messageOf(error)}`),
      )
    }
    toast(
      'good',
      `the change is applied on ${nodeIds.join(', ')}`,
      only === undefined || others.length > 0
        ? undefined
        : { label: 'Undo', run: () => rollBack(only) },
    )
  })
  useEffect(() => {
    if (!rollout) return
    if (!isOver(rollout)) wasRunning.current = true
    // An answer that was under way may have it running once more.
    if (!isOver(rollout) || !wasRunning.current || isTold.current) return
    isTold.current = true
    tell(rollout)
  }, [rollout])
}
