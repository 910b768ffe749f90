import type { Rollout, RolloutStep } from '@corroport/contracts'
import { State } from '../../components/Badge.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatDuration } from '../../format/time.ts'
import { RolloutSteering } from '../node/RolloutSteering.tsx'

/** One rollout, node by node, and what can be done about it. */
export function RolloutDetail({ rollout }: { rollout: Rollout }) {
  const { id, state, reason, nodes } = rollout
  return (
    <section aria-label="The chosen rollout">
      <h3>
        Rollout <code>{id}</code>
      </h3>
      <p aria-live="polite">
        <State of={state} /> {reason}
      </p>
      <div className="toolbar">
        <RolloutSteering of={rollout} />
      </div>
      <Table
        caption="Nodes of the rollout, in its order"
        file={`rollout-${id}`}
        columns={columns}
        rows={nodes}
        keyOf={({ node_id }) => node_id}
        empty="It has no nodes."
      />
    </section>
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
