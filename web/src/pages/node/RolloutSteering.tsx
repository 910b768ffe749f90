import type { Rollout } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { useRefusal } from '../../shell/refusal.ts'

type Steering = Parameters<typeof gateway.steer>[1]

const steerings: Partial<Record<Rollout['state'], readonly Steering[]>> = {
  running: ['pause', 'abort'],
  pausing: ['resume', 'abort'],
  paused: ['resume', 'abort'],
}
const words: Record<Steering, string> = { pause: 'Pause', resume: 'Resume', abort: 'Abort' }
const hints: Partial<Record<Steering, string>> = {
  pause: 'the node under way ends in any case',
  abort: 'nodes that have not begun are left out',
}

/** Pauses, resumes or aborts a rollout, as far as its state lets it. */
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
      {(steerings[state] ?? []).map((action) => (
        <button
          key={action}
          type="button"
          className={action === 'abort' ? 'danger' : undefined}
          disabled={isPausing || refusal !== undefined}
          title={refusal ?? hints[action]}
          onClick={() => (action === 'pause' ? void pause() : setAsked(action))}
        >
          {words[action]}
          {action === 'pause' ? '' : ' …'}
        </button>
      ))}
      {asked !== undefined && (
        <Confirm
          title={`${words[asked]} the rollout`}
          action={`${words[asked]} the rollout`}
          isDangerous={asked === 'abort'}
          {...(asked === 'resume' && left.length > 1 ? { typed: 'resume' } : {})}
          onConfirm={() => steer(asked)}
          onClose={() => setAsked(undefined)}
        >
          <p>{asked === 'resume' ? whenResumed(left) : whenAborted(left.length)}</p>
        </Confirm>
      )}
    </>
  )
}

function whenResumed(left: readonly string[]): string {
  if (left.length === 0) return 'No node waits any more: it only comes to its end.'
  return `The new configuration goes to ${left.join(', ')}, one after the other; their agents are restarted.`
}

function whenAborted(left: number): string {
  return (
    'The node whose turn it is is finished, and those that are done keep the new configuration: ' +
    'roll them back one by one, if they should not. ' +
    `${left === 0 ? 'No other is left' : `${left} more ${left === 1 ? 'is' : 'are'} left as before`}. ` +
    'An aborted rollout cannot be resumed.'
  )
}
