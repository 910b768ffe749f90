import type { Rollout } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { useRefusal } from '../../shell/refusal.ts'

type Steering = Parameters<typeof gateway.steer>[1]

/** Pauses, resumes or aborts a rollout that is under way. */
export function RolloutSteering({ of: { id, state, nodes } }: { of: Rollout }) {
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const [asked, setAsked] = useState<'resume' | 'abort'>()
  const [isPausing, setPausing] = useState(false)
  const steer = async (action: Steering): Promise<void> => {
    queries.setQueryData(['rollout', id], await gateway.steer(id, action))
    await queries.invalidateQueries({ queryKey: ['rollouts'] })
  }
  const pause = async (): Promise<void> => {
    setPausing(true)
    await steer('pause').catch((error: unknown) =>
      toast('bad', `the rollout was not paused: ${messageOf(error)}`),
    )
    setPausing(false)
  }
  const left = nodes.filter((node) => node.state === 'waiting').map(({ node_id }) => node_id)
  return (
    <>
      {state === 'paused' || state === 'pausing' ? (
        <button
          type="button"
          disabled={refusal !== undefined}
          title={refusal}
          onClick={() => setAsked('resume')}
        >
          Resume …
        </button>
      ) : (
        <button
          type="button"
          disabled={isPausing || refusal !== undefined}
          title={refusal ?? 'the node under way ends in any case'}
          onClick={() => void pause()}
        >
          Pause
        </button>
      )}
      <button
        type="button"
        className="danger"
        disabled={refusal !== undefined || state === 'aborting'}
        title={refusal ?? 'nodes that have not begun are left out'}
        onClick={() => setAsked('abort')}
      >
        Abort …
      </button>
      {asked === 'resume' && (
        <Confirm
          title="Resume the rollout"
          action="Resume the rollout"
          {...(left.length > 1 ? { typed: 'resume' } : {})}
          onConfirm={() => steer('resume')}
          onClose={() => setAsked(undefined)}
        >
          <p>
            The agents of {left.join(', ')} get the new configuration and are restarted, one after
            the other.
          </p>
        </Confirm>
      )}
      {asked === 'abort' && (
        <Confirm
          title="Abort the rollout"
          action="Abort the rollout"
          isDangerous
          onConfirm={() => steer('abort')}
          onClose={() => setAsked(undefined)}
        >
          <p>
            The node whose turn it is is finished, and those that are done keep the new
            configuration: roll them back one by one, if they should not. The other {left.length}{' '}
            are left as they are. An aborted rollout cannot be resumed.
          </p>
        </Confirm>
      )}
    </>
  )
}
