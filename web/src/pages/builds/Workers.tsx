import type { BuildWorker } from '@corroport/contracts'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { toast } from '../../components/toasts.ts'
import { formatCount } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { useRefusal } from '../../shell/refusal.ts'

const everyMs = 5000
const queryKey = ['build-workers']

/** Who builds. */
export function Workers() {
  const query = useQuery({ queryKey, queryFn: gateway.buildWorkers, refetchInterval: everyMs })
  useRefetchOn(
    { topics: ['builds'] },
    queryKey,
    ({ name }) => name.startsWith('build.') || name.startsWith('worker.'),
  )
  return (
    <DataPanel title="Workers" className="wide" query={query} what="the workers" everyMs={everyMs}>
      {({ workers }) => (
        <Table
          caption="Workers"
          columns={columns}
          rows={workers}
          keyOf={({ id }) => id}
          empty="No worker has registered yet."
          file="build-workers"
        />
      )}
    </DataPanel>
  )
}

const columns: readonly Column<BuildWorker>[] = [
  textColumn('name', 'Worker', ({ name }) => name),
  {
    id: 'status',
    title: 'State',
    value: ({ status }) => status,
    cell: ({ status }) => <State of={status} />,
  },
  {
    id: 'build',
    title: 'Build',
    value: ({ buildId }) => buildId,
    cell: ({ buildId }) =>
      buildId === null ? (
        '–'
      ) : (
        <Link
          to="/builds"
          search={(old) => ({ ...old, build: buildId })}
          replace
          resetScroll={false}
        >
          {buildId}
        </Link>
      ),
  },
  { id: 'act', title: '', cell: (worker) => <Drain worker={worker} /> },
  textColumn('builds', 'Builds', ({ platforms, labels }) => [...platforms, ...labels].join(' ')),
  figureColumn('completed', 'Completed', ({ completed }) => completed, formatCount),
  figureColumn('failed', 'Failed', ({ failed }) => failed, formatCount),
  timeColumn('seen', 'Last seen', ({ seenAt }) => seenAt),
]

function Drain({ worker: { id, name, status } }: { worker: BuildWorker }) {
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const [isBusy, setBusy] = useState(false)
  const isDraining = status === 'draining'
  const steer = async (): Promise<void> => {
    setBusy(true)
    try {
      await gateway.steerWorker(id, isDraining ? 'resume' : 'drain')
      toast('good', isDraining ? `${name} gets builds again` : `${name} gets nothing new`)
      await queries.invalidateQueries({ queryKey })
    } catch (error) {
      toast('bad', `${name} was not changed: ${messageOf(error)}`)
    }
    setBusy(false)
  }
  const action = isDraining ? 'Resume' : 'Drain'
  return (
    <button
      type="button"
      disabled={isBusy || refusal !== undefined}
      title={refusal ?? 'What it builds goes on.'}
      aria-label={`${action} ${name}`}
      onClick={() => void steer()}
    >
      {action}
    </button>
  )
}
