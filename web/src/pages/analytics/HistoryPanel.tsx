import type { ExperimentsReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useNow } from '../../components/clock.ts'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { DeleteExperiment } from './DeleteExperiment.tsx'
import { ExperimentState } from './ExperimentState.tsx'
import { shareText } from './figure-text.ts'
import { durationOf, isRunning } from './progress.ts'
import { everyMs, experimentsQuery } from './queries.ts'
import { readIds } from './search.ts'

type Row = ExperimentsReply['experiments'][number]

/** All experiments, the newest first, in pages. */
export function HistoryPanel({ onStart }: { onStart: () => void }) {
  const { before, experiment: chosen } = useSearch({ from: '/analytics' })
  const query = useQuery(experimentsQuery(before))
  return (
    <DataPanel
      title="Experiments"
      query={query}
      what="the experiments"
      everyMs={everyMs.list}
      actions={before !== undefined && <Link {...pageOf(undefined)}>Newest</Link>}
    >
      {({ experiments: rows, next }) => (
        <>
          <Experiments
            rows={rows}
            chosen={chosen}
            empty={
              <>
                {before === undefined ? 'No experiment was run yet. ' : 'No older experiment. '}
                <button type="button" onClick={onStart}>
                  Start one
                </button>
              </>
            }
          />
          {next !== null && <Link {...pageOf(next)}>Older experiments</Link>}
        </>
      )}
    </DataPanel>
  )
}

function pageOf(before: string | undefined) {
  return {
    from: '/analytics',
    to: '/analytics',
    resetScroll: false,
    search: ({ before: _before, ...rest }: Record<string, unknown>) =>
      before === undefined ? rest : { ...rest, before },
  } as const
}

interface ColumnsOf {
  chosen: string | undefined
  now: number
}

interface ExperimentsProps extends Omit<ColumnsOf, 'now'> {
  rows: Row[]
  empty: ReactNode
}

function Experiments({ rows, chosen, empty }: ExperimentsProps) {
  const now = useNow()
  return (
    <Table
      caption="List of experiments"
      columns={columnsOf({ chosen, now })}
      rows={rows}
      keyOf={({ experiment }) => experiment.id}
      empty={empty}
      isMarked={({ experiment }) => experiment.id === chosen}
      file="experiments"
    />
  )
}

function columnsOf({ chosen, now }: ColumnsOf): Column<Row>[] {
  return [
    {
      id: 'id',
      title: 'Id',
      value: ({ experiment }) => experiment.id,
      cell: ({ experiment: { id } }) => (
        <Link
          from="/analytics"
          to="/analytics"
          resetScroll={false}
          search={({ after: _after, transport: _transport, ...rest }) => ({
            ...rest,
            experiment: id,
          })}
          aria-current={id === chosen ? 'true' : undefined}
        >
          {id}
        </Link>
      ),
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
      value: ({ experiment }) => durationOf(experiment, now),
      cell: ({ experiment }) => {
        const ms = durationOf(experiment, now)
        return ms === null ? '–' : formatDuration(ms)
      },
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
      value: ({ progress: { acks, expected_acks: expected } }) =>
        expected === 0 ? null : acks / expected,
      cell: ({ experiment, progress: { acks, expected_acks: expected } }) => (
        <span title={`${acks} of ${expected} acknowledgements, those of the warm-up included`}>
          {expected === 0 || isRunning(experiment) ? '–' : shareText(acks / expected)}
        </span>
      ),
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
}

/** Puts an experiment on a side of the comparison, or takes it away. */
function SideButton({ side, id }: { side: 'a' | 'b'; id: string }) {
  const { [side]: ids } = useSearch({ from: '/analytics' })
  const navigate = useNavigate({ from: '/analytics' })
  const there = readIds(ids)
  const isThere = there.includes(id)
  const toggle = (): void => {
    const next = isThere ? there.filter((each) => each !== id) : [...there, id]
    void navigate({
      search: ({ [side]: _side, ...rest }) =>
        next.length === 0 ? rest : { ...rest, [side]: next.join(',') },
      replace: true,
      resetScroll: false,
    })
  }
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
