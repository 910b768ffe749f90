import type { Rollout } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { useNow } from '../../components/clock.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatDuration } from '../../format/time.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { durationOf } from './latest-operations.ts'
import { RolloutDetail } from './RolloutDetail.tsx'

const everyMs = 5000
const queryKey = ['rollouts']

/** Changes of configuration that go from node to node. */
export function Rollouts() {
  const { rollout: chosen } = useSearch({ from: '/operations' })
  const query = useQuery({ queryKey, queryFn: gateway.rollouts, refetchInterval: everyMs })
  useRefetchOn({ topics: ['operations'] }, queryKey, ({ name }) => name === 'rollout.changed')
  return (
    <DataPanel title="Rollouts" what="the rollouts" query={query} everyMs={everyMs}>
      {({ rollouts }) => {
        const shown = rollouts.find(({ id }) => id === chosen)
        return (
          <>
            <Table
              caption="Rollouts, newest first"
              file="rollouts"
              columns={columns}
              rows={rollouts}
              keyOf={({ id }) => id}
              isMarked={({ id }) => id === chosen}
              empty={
                <>
                  No rollout was begun yet. Plan a change of configuration on the page of a{' '}
                  <Link to="/node">node</Link>.
                </>
              }
            />
            {chosen !== undefined && !shown && (
              <p className="note warn">
                The rollout <code>{chosen}</code> is not among the latest ones.
              </p>
            )}
            {shown && <RolloutDetail rollout={shown} />}
          </>
        )
      }}
    </DataPanel>
  )
}

const columns: Column<Rollout>[] = [
  {
    id: 'started_at',
    title: 'Started',
    value: ({ started_at }) => started_at,
    cell: ({ started_at }) => <Time at={started_at} withDate />,
  },
  {
    id: 'change',
    title: 'Change',
    value: changeOf,
    cell: (rollout) => (
      <Link
        from="/operations"
        to="."
        search={(old) => ({ ...old, rollout: rollout.id })}
        replace
        resetScroll={false}
        title={rollout.id}
      >
        {changeOf(rollout)}
      </Link>
    ),
  },
  {
    id: 'state',
    title: 'State',
    value: ({ state }) => state,
    cell: ({ state, reason }) => (
      <>
        <State of={state} /> {reason}
      </>
    ),
  },
  {
    id: 'done',
    title: 'Nodes done',
    value: ({ nodes }) => doneOf(nodes),
    cell: ({ nodes }) => (
      <>
        <progress
          className="operations-progress"
          aria-hidden="true"
          max={nodes.length}
          value={doneOf(nodes)}
        />{' '}
        {doneOf(nodes)} of {nodes.length}
      </>
    ),
  },
  {
    id: 'took',
    title: 'Took',
    align: 'right',
    value: (rollout) => (rollout.finished_at === null ? null : durationOf(rollout, 0)),
    cell: (rollout) => <Took of={rollout} />,
  },
  { id: 'by', title: 'By', value: ({ by }) => by, cell: ({ by }) => by },
  {
    id: 'coordinator',
    title: 'Coordinator',
    value: ({ coordinator }) => coordinator,
    cell: ({ coordinator }) => coordinator,
  },
]

function doneOf(nodes: Rollout['nodes']): number {
  return nodes.filter(({ state }) => state === 'done').length
}

function changeOf({ edit }: Rollout): string {
  const { bootstrap, settings = {} } = edit
  const names = Object.keys(settings)
  return [
    ...(bootstrap === undefined ? [] : [`bootstrap: ${bootstrap.length} hosts`]),
    ...(names.length === 0 ? [] : [names.join(', ')]),
  ].join('; ')
}

function Took({ of }: { of: Rollout }) {
  return formatDuration(durationOf(of, useNow()))
}
