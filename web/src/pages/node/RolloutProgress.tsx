import type { Rollout, RolloutStep } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Steps } from '../../components/Steps.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatDuration } from '../../format/time.ts'
import { Elapsed } from '../../shell/Elapsed.tsx'
import { describeSteps } from './history.ts'
import { RollBack } from './ReturnButtons.tsx'
import { RolloutSteering } from './RolloutSteering.tsx'
import { isOver, rolloutEveryMs, useEndTold, useRollout } from './useRollout.ts'

/** A change of many files while it happens, node by node. */
export function RolloutProgress({ id }: { id: string }) {
  const navigate = useNavigate({ from: '/node' })
  const query = useRollout(id)
  useEndTold(query.data?.rollout)
  const close = () =>
    void navigate({
      search: ({ rollout: _rollout, ...rest }) => rest,
      replace: true,
    })
  return (
    <DataPanel
      title="Rollout"
      what="the rollout"
      query={query}
      actions={
        <>
          {query.data && <RolloutSteering of={query.data.rollout} />}
          <button type="button" className="quiet" onClick={close}>
            Close
          </button>
        </>
      }
    >
      {({ rollout }) => <Progress of={rollout} />}
    </DataPanel>
  )
}

function Progress({ of }: { of: Rollout }) {
  const { state, reason, by, coordinator, epoch, nodes, started_at, finished_at, id } = of
  const done = nodes.filter((node) => node.state === 'done')
  const current = nodes.find((node) => underWay.has(node.state))
  return (
    <>
      <p aria-live="polite">
        <State of={state} /> {done.length} of {nodes.length} nodes done
      </p>
      <progress max={nodes.length} value={done.length} aria-label="Nodes done" />
      {reason !== null && (
        <p className={state === 'aborted' ? 'note info' : 'note bad'}>{reason}</p>
      )}
      <p className="aside">
        {id}, by {by}, led by {coordinator} (epoch {epoch}), begun <Time at={started_at} />,{' '}
        {finished_at === null ? (
          <>
            for <Elapsed since={started_at} />
          </>
        ) : (
          `took ${formatDuration(Date.parse(finished_at) - Date.parse(started_at))}`
        )}
      </p>
      <Table
        caption="Nodes of the rollout"
        rows={nodes}
        keyOf={({ node_id }) => node_id}
        columns={columns}
        empty="No node is in it."
      />
      {current && <CurrentSteps nodeId={current.node_id} />}
      {isOver(of) && done.length > 0 && (
        <div className="toolbar">
          <span>Take it back:</span>
          {done.map(({ node_id }) => (
            <RollBack key={node_id} nodeId={node_id} />
          ))}
        </div>
      )}
    </>
  )
}

const underWay = new Set<RolloutStep['state']>(['applying', 'checking', 'rolling-back'])

/** A rollout tells the steps of a node when they are over; the node itself tells them as they happen. */
function CurrentSteps({ nodeId }: { nodeId: string }) {
  const { data } = useQuery({
    queryKey: ['operations', nodeId],
    queryFn: () => gateway.operations(nodeId),
    refetchInterval: rolloutEveryMs,
  })
  const operation = data?.operations.find(({ state }) => state === 'running')
  if (!operation) return null
  return (
    <>
      <h3>{nodeId} now</h3>
      <Steps of={operation.steps} />
    </>
  )
}

const columns: readonly Column<RolloutStep>[] = [
  { id: 'node', title: 'Node', cell: ({ node_id }) => node_id },
  { id: 'state', title: 'State', cell: ({ state }) => <State of={state} /> },
  {
    id: 'took',
    title: 'Took',
    align: 'right',
    cell: ({ started_at, finished_at }) =>
      started_at === null || finished_at === null
        ? ''
        : formatDuration(Date.parse(finished_at) - Date.parse(started_at)),
  },
  {
    id: 'steps',
    title: 'Steps',
    cell: ({ steps_ms }) => <span className="node-what">{describeSteps(steps_ms)}</span>,
  },
  {
    id: 'reason',
    title: 'Reason',
    cell: ({ reason }) => <span className="node-what">{reason}</span>,
  },
]
