import type { Rollout, RolloutStep } from '@corroport/contracts'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { useNow } from '../../components/clock.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { Steps } from '../../components/Steps.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { toast } from '../../components/toasts.ts'
import { formatDuration } from '../../format/time.ts'
import { useLiveEvents } from '../../live/hooks.ts'
import { payloadOf } from '../../live/payloads.ts'
import { describeSteps } from './history.ts'
import { useFollowed } from './node-operation.ts'
import { RollBack } from './ReturnButtons.tsx'
import { RolloutSteering } from './RolloutSteering.tsx'

const everyMs = 1000

/** A change of many files while it happens, node by node. */
export function RolloutProgress({ id }: { id: string }) {
  const queries = useQueryClient()
  const navigate = useNavigate({ from: '/node' })
  const queryKey = ['rollout', id]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.rollout(id),
    refetchInterval: ({ state }) => (isOver(state.data?.rollout) ? false : everyMs),
  })
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
  useEndTold(query.data?.rollout)
  const close = () =>
    void navigate({
      search: ({ rollout: _rollout, ...rest }) => rest,
      replace: true,
      resetScroll: false,
    })
  return (
    <DataPanel
      title="Rollout"
      what="the rollout"
      query={query}
      actions={
        <>
          {query.data && !isOver(query.data.rollout) && <RolloutSteering of={query.data.rollout} />}
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

function isOver(rollout: Rollout | undefined): boolean {
  return rollout !== undefined && rollout.finished_at !== null
}

/** Says the end of what was seen running, with the way back where there is one. */
function useEndTold(rollout: Rollout | undefined): void {
  const follow = useFollowed()
  const wasRunning = useRef(false)
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
    if (wasRunning.current && isOver(rollout)) tell(rollout)
    wasRunning.current = !isOver(rollout)
  }, [rollout])
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
          <Running since={started_at} />
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
    refetchInterval: everyMs,
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

function Running({ since }: { since: string }) {
  const now = useNow()
  return <>for {formatDuration(Math.max(0, now - Date.parse(since)))}</>
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
