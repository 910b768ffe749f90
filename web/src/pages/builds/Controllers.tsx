import type { BuildControllersReply } from '@corroport/contracts'
import { Badge, State } from '../../components/Badge.tsx'
import { Figures } from '../../components/Figures.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'

type Controller = BuildControllersReply['controllers'][number]

/** What all controllers of one database say of it, and each of itself. */
export function Controllers({ controllers }: { controllers: readonly Controller[] }) {
  const knowing = controllers.find(
    ({ presence, builds }) => presence === 'present' && builds !== null,
  )
  const { builds, workers } = knowing ?? {}
  return (
    <>
      {builds && workers && (
        <Figures
          of={[
            { label: 'Waiting', value: formatCount(builds.pending) },
            { label: 'Building', value: formatCount(builds.assigned + builds.building) },
            { label: 'Completed', value: formatCount(builds.completed) },
            {
              label: 'Failed',
              value: formatCount(builds.failed + builds.dead),
              note: `${formatCount(builds.dead)} of them lost too often`,
            },
            {
              label: 'Workers',
              value: formatCount(workers.idle + workers.building + workers.draining),
              note: `${formatCount(workers.idle)} idle, ${formatCount(workers.offline)} offline`,
            },
          ]}
        />
      )}
      <Table
        caption="Build controllers"
        columns={columns}
        rows={controllers}
        keyOf={({ controllerId }) => controllerId}
        empty={
          <>
            No build controller was heard since this gateway started. One beside a local cluster:{' '}
            <code>npm start -- --builds</code>. It needs the address of NATS to be heard.
          </>
        }
      />
    </>
  )
}

const columns: readonly Column<Controller>[] = [
  textColumn('controller', 'Controller', ({ controllerId }) => controllerId),
  {
    id: 'presence',
    title: 'State',
    cell: ({ presence, isReady }) =>
      presence === 'present' && !isReady ? (
        <Badge tone="bad">not ready</Badge>
      ) : (
        <State of={presence} />
      ),
  },
  figureColumn('polls', 'Workers that wait', ({ waitingPolls }) => waitingPolls, formatCount),
  textColumn('claim', 'Claim in the database', ({ claimMs }) =>
    claimMs === null
      ? 'none yet'
      : `p50 ${claimMs.p50.toFixed(1)} ms${
          claimMs.n < 100 ? '' : `, p99 ${claimMs.p99.toFixed(1)} ms`
        } of ${formatCount(claimMs.n)}`,
  ),
  textColumn('version', 'Version', ({ version }) => version),
  timeColumn('started', 'Since', ({ startedAt }) => startedAt),
  timeColumn('heard', 'Last heard', ({ heardAt }) => heardAt),
]
