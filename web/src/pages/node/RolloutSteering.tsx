import type { Rollout } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { toast } from '../../components/toasts.ts'
import { useRefusal } from '../../shell/refusal.ts'

/** Pauses, resumes or aborts a rollout that is under way. */
export function RolloutSteering({ of: { id, state } }: { of: Rollout }) {
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const [isBusy, setBusy] = useState(false)
  const steer = async (action: 'pause' | 'resume' | 'abort'): Promise<void> => {
    setBusy(true)
    try {
      queries.setQueryData(['rollout', id], await gateway.steer(id, action))
    } catch (error) {
      toast('bad', `${action} was refused: ${messageOf(error)}`)
    }
    setBusy(false)
  }
  const isPaused = state === 'paused' || state === 'pausing'
  return (
    <>
      <button
        type="button"
        disabled={isBusy || refusal !== undefined}
        title={refusal ?? 'the node under way ends in any case'}
        onClick={() => void steer(isPaused ? 'resume' : 'pause')}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </button>
      <button
        type="button"
        disabled={isBusy || refusal !== undefined || state === 'aborting'}
        title={refusal ?? 'nodes that have not begun are left out'}
        onClick={() => void steer('abort')}
      >
        Abort
      </button>
    </>
  )
}
