import type { Rollout } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Answer } from '../../components/Answer.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { RolloutDetail } from './RolloutDetail.tsx'
import { byColumn, startedColumn, stateColumn, tookColumn } from './work-columns.tsx'

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
            {chosen !== undefined && !shown && <OlderRollout id={chosen} />}
            {shown && <RolloutDetail rollout={shown} />}
          </>
        )
      }}
    </DataPanel>
  )
}

function OlderRollout({ id }: { id: string }) {
  const query = useQuery({ queryKey: ['rollout', id], queryFn: () => gateway.rollout(id) })
  return (
    <Answer query={query} what={`the rollout ${id}`}>
      {({ rollout }) => <RolloutDetail rollout={rollout} />}
    </Answer>
  )
}

const columns: Column<Rollout>[] = [
  startedColumn,
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
  stateColumn,
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
  tookColumn,
  byColumn,
  textColumn('coordinator', 'Coordinator', ({ coordinator }) => coordinator),
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
