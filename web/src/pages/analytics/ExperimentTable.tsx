import type { Experiment, ExperimentsReply } from '@corroport/contracts'
import { Link, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { gatewayNow } from '../../api/gateway-clock.ts'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { useGatewayNow } from '../../shell/gateway-now.ts'
import { DeleteExperiment } from './DeleteExperiment.tsx'
import { ExperimentState } from './ExperimentState.tsx'
import { shareText } from './figure-text.ts'
import { durationOf, isRunning } from './progress.ts'
import { type SideName, useSide } from './useSide.ts'

type Row = ExperimentsReply['experiments'][number]

interface ExperimentTableProps {
  rows: readonly Row[]
  empty: ReactNode
}

/** Experiments, each to be looked into, put on a side of the comparison, or deleted. */
export function ExperimentTable({ rows, empty }: ExperimentTableProps) {
  const { experiment: chosen } = useSearch({ from: '/analytics' })
  return (
    <Table
      caption="List of experiments"
      columns={columns}
      rows={rows}
      keyOf={({ experiment }) => experiment.id}
      empty={empty}
      isMarked={({ experiment }) => experiment.id === chosen}
      file="experiments"
    />
  )
}

const columns: Column<Row>[] = [
  {
    id: 'id',
    title: 'Id',
    value: ({ experiment }) => experiment.id,
    cell: ({ experiment: { id } }) => <ChoiceLink id={id} />,
  },
  {
    id: 'compare',
    title: 'Compare',
    cell: ({ experiment: { id } }) => (
      <>
        <SideButton side="a" id={id} />
        <SideButton side="b" id={id} />
      </>
    ),
  },
  {
    id: 'status',
    title: 'Status',
    value: ({ experiment }) => experiment.status,
    cell: ({ experiment: { status, reason } }) => (
      <>
        <ExperimentState of={status} />
        {reason !== null && <span className="hint"> {reason}</span>}
      </>
    ),
  },
  {
    id: 'started',
    title: 'Started',
    value: ({ experiment: { started_at: at } }) => at,
    cell: ({ experiment: { started_at: at } }) => (at === null ? '–' : <Time at={at} withDate />),
  },
  {
    id: 'duration_ms',
    title: 'Duration',
    align: 'right',
    value: ({ experiment }) => durationOf(experiment, gatewayNow()),
    cell: ({ experiment }) => <Duration of={experiment} />,
  },
  {
    id: 'transports',
    title: 'Over',
    value: ({ experiment }) => experiment.plan.transports.join(' and '),
    cell: ({ experiment }) => experiment.plan.transports.join(', '),
  },
  {
    id: 'sent',
    title: 'Messages',
    align: 'right',
    value: ({ progress }) => progress.sent,
    cell: ({ progress: { sent, planned } }) =>
      planned === 0 || sent === planned
        ? formatCount(sent)
        : `${formatCount(sent)} of ${formatCount(planned)}`,
  },
  figureColumn('acks', 'Acks', ({ progress }) => progress.acks, formatCount),
  {
    id: 'delivery',
    title: 'Delivered',
    align: 'right',
    value: deliveredOf,
    cell: (row) => {
      const delivered = deliveredOf(row)
      const { acks, expected_acks: expected } = row.progress
      return (
        <span title={`${acks} of ${expected} acknowledgements, those of the warm-up included`}>
          {delivered === null ? '–' : shareText(delivered)}
        </span>
      )
    },
  },
  {
    id: 'name',
    title: 'Name',
    value: ({ experiment }) => experiment.plan.name,
    cell: ({ experiment: { plan } }) => <span title={plan.note || undefined}>{plan.name}</span>,
  },
  {
    id: 'delete',
    title: 'Delete',
    cell: ({ experiment }) => (
      <DeleteExperiment id={experiment.id} isRunning={isRunning(experiment)} />
    ),
  },
]

/** While it runs, what has not come may only be under way. */
function deliveredOf({ experiment, progress: { acks, expected_acks: expected } }: Row) {
  return expected === 0 || isRunning(experiment) ? null : acks / expected
}

function ChoiceLink({ id }: { id: string }) {
  const { experiment: chosen } = useSearch({ from: '/analytics' })
  return (
    <Link
      from="/analytics"
      to="/analytics"
      resetScroll={false}
      search={({ after: _after, transport: _transport, ...rest }) => ({ ...rest, experiment: id })}
      aria-current={id === chosen ? 'true' : undefined}
    >
      {id}
    </Link>
  )
}

function Duration({ of }: { of: Experiment }) {
  const ms = durationOf(of, useGatewayNow())
  return ms === null ? '–' : formatDuration(ms)
}

/** Puts an experiment on a side of the comparison, or takes it away. */
function SideButton({ side, id }: { side: SideName; id: string }) {
  const { ids, change } = useSide(side)
  const isThere = ids.includes(id)
  const toggle = () => change((old) => (isThere ? old.filter((each) => each !== id) : [...old, id]))
  return (
    <button
      type="button"
      className="quiet analytics-side"
      aria-pressed={isThere}
      aria-label={`${id} on side ${side.toUpperCase()}`}
      onClick={toggle}
    >
      {side.toUpperCase()}
    </button>
  )
}
