import { State } from '../../components/Badge.tsx'
import type { Column } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatDuration } from '../../format/time.ts'
import { useGatewayNow } from '../../shell/gateway-now.ts'
import { durationOf } from './latest-operations.ts'

/** An operation of a node, or a rollout over many. */
interface Work {
  started_at: string
  finished_at: string | null
  state: string
  reason: string | null
  by: string
}

export const startedColumn = timeColumn<Work>('started_at', 'Started', (work) => work.started_at)

export const stateColumn: Column<Work> = {
  id: 'state',
  title: 'State',
  value: ({ state }) => state,
  cell: ({ state, reason }) => (
    <>
      <State of={state} /> {reason}
    </>
  ),
}

export const tookColumn: Column<Work> = {
  id: 'took',
  title: 'Took',
  align: 'right',
  value: (work) => (work.finished_at === null ? null : durationOf(work, 0)),
  cell: (work) => <Took of={work} />,
}

export const byColumn = textColumn<Work>('by', 'By', ({ by }) => by)

function Took({ of }: { of: Work }) {
  return formatDuration(durationOf(of, useGatewayNow()))
}
