import type { Rollout, RolloutStep } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { Confirm } from '../../components/Confirm.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { toast } from '../../components/toasts.ts'
import { formatDuration } from '../../format/time.ts'
import { useRefusal } from '../../shell/refusal.ts'

type Steering = Parameters<typeof gateway.steer>[1]

const steerings: Partial<Record<Rollout['state'], readonly Steering[]>> = {
  running: ['pause', 'abort'],
  pausing: ['resume', 'abort'],
  paused: ['resume', 'abort'],
}
const words: Record<Steering, string> = { pause: 'Pause', resume: 'Resume', abort: 'Abort' }

/** One rollout, node by node, and what can be done about it. */
export function RolloutDetail({ rollout }: { rollout: Rollout }) {
  const { id, state, reason, nodes } = rollout
  const [asked, setAsked] = useState<'resume' | 'abort'>()
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const steer = async (action: Steering): Promise<void> => {
    const { rollout: steered } = await gateway.steer(id, action)
    toast('good', `the rollout is ${steered.state}`)
    await queries.invalidateQueries({ queryKey: ['rollouts'] })
  }
  const pause = () =>
    steer('pause').catch((error: unknown) => toast('bad', `not paused: ${messageOf(error)}`))
  const left = nodes.filter((node) => node.state === 'waiting').map(({ node_id }) => node_id)
  return (
    <section aria-label="The chosen rollout">
      <h3>
        Rollout <code>{id}</code>
      </h3>
      <p>
        <State of={state} /> {reason}
      </p>
      <div className="toolbar">
        {(steerings[state] ?? []).map((action) => (
          <button
            key={action}
            type="button"
            className={action === 'abort' ? 'danger' : undefined}
            disabled={refusal !== undefined}
            title={refusal}
            onClick={() => (action === 'pause' ? void pause() : setAsked(action))}
          >
            {words[action]}
            {action === 'pause' ? '' : ' …'}
          </button>
        ))}
      </div>
      <Table
        caption="Nodes of the rollout, in its order"
        file={`rollout-${id}`}
        columns={columns}
        rows={nodes}
        keyOf={({ node_id }) => node_id}
        empty="It has no nodes."
      />
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
    </section>
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

const columns: Column<RolloutStep>[] = [
  {
    id: 'node',
    title: 'Node',
    value: ({ node_id }) => node_id,
    cell: ({ node_id }) => <NodeLink id={node_id} />,
  },
  {
    id: 'state',
    title: 'State',
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
  },
  {
    id: 'steps',
    title: 'Steps',
    value: (step) => stepsOf(step).join(', '),
    cell: (step) => (
      <ol className="operations-steps">
        {stepsOf(step).map((done) => (
          <li key={done}>{done}</li>
        ))}
      </ol>
    ),
  },
  {
    id: 'started_at',
    title: 'Started',
    value: ({ started_at }) => started_at,
    cell: ({ started_at }) => (started_at === null ? '–' : <Time at={started_at} />),
  },
  {
    id: 'finished_at',
    title: 'Finished',
    value: ({ finished_at }) => finished_at,
    cell: ({ finished_at }) => (finished_at === null ? '–' : <Time at={finished_at} />),
  },
  textColumn('reason', 'Reason', ({ reason }) => reason),
]

function stepsOf({ steps_ms }: RolloutStep): string[] {
  return Object.entries(steps_ms).map(([name, ms]) => `${name} ${formatDuration(ms)}`)
}
