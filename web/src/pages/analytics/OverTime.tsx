import type { Experiment, TransportFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { type AckPoint, drawnText, preciseMs } from './acks.ts'
import { lostTitle, msText, percentileText } from './figure-text.ts'
import { acksQuery } from './queries.ts'
import { alignByNode } from './series-by-node.ts'

const Chart = lazy(async () => ({ default: (await import('../../components/Chart.tsx')).Chart }))

interface OverTimeProps {
  experiment: Experiment
  figures: TransportFigures
  /** As `versionOf` gives it. */
  version: string
  /** Acknowledgements over all transports. */
  total: number
  isFinal: boolean
}

/** Round trips over the time of sending: in slices, and each one by its receiver. */
export function OverTime(props: OverTimeProps) {
  const { experiment, figures, isFinal } = props
  const { series, transport } = figures
  const file = `${experiment.id}-${transport}`
  return (
    <>
      <h3>Slices of the time of sending, over {transport}</h3>
      {series.length === 0 ? (
        <Empty>Nothing was sent yet.</Empty>
      ) : (
        <Twin
          id="slices"
          picture={<Slices slices={series} transport={transport} isFinal={isFinal} />}
          table={
            <Table
              caption="Slices of the time of sending"
              columns={sliceColumns(isFinal)}
              rows={series}
              keyOf={({ from_s: from }) => String(from)}
              empty="Nothing was sent."
              file={`${file}-slices`}
            />
          }
        />
      )}
      <h3>Each acknowledgement by its receiver</h3>
      <ByNode {...props} />
    </>
  )
}

type Slice = TransportFigures['series'][number]

const count = (id: 'sent' | 'accepted' | 'expected_acks' | 'lost', title: string) =>
  ({
    id,
    title,
    align: 'right',
    value: (slice: Slice) => slice[id],
    cell: (slice: Slice) => formatCount(slice[id]),
  }) as const
const percentile = (name: 'p50' | 'p95' | 'p99') =>
  ({
    id: name,
    title: name,
    align: 'right',
    value: (slice: Slice) => slice.round_trip[`${name}_ms`],
    cell: (slice: Slice) => percentileText(slice.round_trip, name),
  }) as const
const sliceColumns = (isFinal: boolean): Column<Slice>[] => [
  {
    id: 'from_s',
    title: 'From',
    align: 'right',
    value: (slice) => slice.from_s,
    cell: ({ from_s: from, to_s: to }) => `${secondsText(from)} to ${secondsText(to)}`,
  },
  count('sent', 'Sent'),
  count('accepted', 'Accepted'),
  count('expected_acks', 'Expected acks'),
  count('lost', lostTitle(isFinal)),
  figureColumn('n', 'n', (slice) => slice.round_trip.n, formatCount),
  percentile('p50'),
  percentile('p95'),
  percentile('p99'),
]

function secondsText(seconds: number): string {
  return `${Number(seconds.toFixed(3))} s`
}

interface SlicesProps {
  slices: readonly Slice[]
  transport: string
  isFinal: boolean
}

function Slices({ slices, transport, isFinal }: SlicesProps) {
  const lossy = slices.filter(({ lost }) => lost > 0)
  const lost = lossy.reduce((sum, slice) => sum + slice.lost, 0)
  const n = slices.reduce((sum, { round_trip: roundTrip }) => sum + roundTrip.n, 0)
  const lines = (['p50', 'p95'] as const).flatMap((name) => {
    const values = slices.map(({ round_trip: roundTrip }) => roundTrip[`${name}_ms`])
    return values.some((value) => value !== null) ? [{ label: name, values }] : []
  })
  // A line leaves out what stands alone between gaps.
  const hasGaps = lines.some(({ values }) => values.includes(null))
  return (
    <>
      <Suspense fallback={<p className="loading">Loading the picture …</p>}>
        <Chart
          label={`Median and 95th percentile of the round trips over ${transport} in ${slices.length} slices of the time of sending`}
          axis="number"
          x={slices.map(({ from_s: from, to_s: to }) => (from + to) / 2)}
          formatX={secondsText}
          formatY={msText}
          kind={hasGaps ? 'points' : 'line'}
          series={lines}
        />
      </Suspense>
      <p className="hint">
        Round trips of the messages that left in each slice (n {formatCount(n)}); a slice has a p95
        from 20 on.
      </p>
      {lost > 0 && (
        <p className={isFinal ? 'note bad' : 'hint'}>
          {formatCount(lost)} acknowledgements {isFinal ? 'are lost' : 'have not come yet'}, of
          messages that left at{' '}
          {lossy
            .slice(0, 10)
            .map(({ from_s: from, lost: some }) => `${secondsText(from)} (${some})`)
            .join(', ')}
          {lossy.length > 10 && ` and in ${lossy.length - 10} slices more`}.
        </p>
      )}
    </>
  )
}

function ByNode({ experiment, figures, version, total }: OverTimeProps) {
  const { id, started_at: started } = experiment
  const { transport } = figures
  const query = useQuery(acksQuery(id, version, total))
  const { data, error, refetch } = query
  if (error !== null && data === undefined) {
    return <ErrorNote error={error} what="the acknowledgements" onRetry={() => void refetch()} />
  }
  if (data === undefined) {
    return (
      <p className="loading" aria-busy="true">
        Loading the acknowledgements …
      </p>
    )
  }
  const own = data.points.filter((point) => point.transport === transport)
  if (own.length === 0) return <Empty>No acknowledgement over {transport} arrived.</Empty>
  const from = started === null ? (own[0]?.sentAt ?? 0) : preciseMs(started)
  const names = slowestOf(figures.receivers)
  const { x, series } = alignByNode(
    own.filter(({ node }) => names.has(node)),
    from,
  )
  return (
    <>
      <Twin
        id="acks"
        picture={
          <Suspense fallback={<p className="loading">Loading the picture …</p>}>
            <Chart
              label={`Round trips of ${own.length} acknowledgements over the time of sending, by receiver`}
              kind="points"
              axis="number"
              height={280}
              x={x}
              formatX={secondsText}
              formatY={msText}
              series={series}
            />
          </Suspense>
        }
        table={
          <Table
            caption="Acknowledgements by receiver"
            columns={ackColumns(from)}
            rows={own}
            keyOf={({ node, sentAt }) => `${node} ${sentAt}`}
            empty="No acknowledgement arrived."
            file={`${id}-${transport}-acks`}
          />
        }
      />
      <p className="hint">
        Seconds since the start at which the message was sent, and its round trip, by its origin's
        clock. A name shows its node alone. {drawnText(data, total)}
        {figures.receivers.length > names.size &&
          ` The ${names.size} slowest of ${figures.receivers.length} receivers are drawn; the table has all.`}
      </p>
    </>
  )
}

// More could not be told apart.
const mostReceivers = 30

function slowestOf(receivers: TransportFigures['receivers']): Set<string | null> {
  const inOrder = receivers.toSorted(
    (one, other) => (other.round_trip.p50_ms ?? 0) - (one.round_trip.p50_ms ?? 0),
  )
  return new Set(inOrder.slice(0, mostReceivers).map(({ node_id: id }) => id))
}

const ackColumns = (from: number): Column<AckPoint>[] => [
  { id: 'node', title: 'Receiver', value: ({ node }) => node, cell: ({ node }) => node },
  {
    id: 'sent_s',
    title: 'Sent',
    align: 'right',
    value: ({ sentAt }) => Number(((sentAt - from) / 1000).toFixed(6)),
    cell: ({ sentAt }) => secondsText((sentAt - from) / 1000),
  },
  figureColumn('round_trip_ms', 'Round trip', ({ roundTripMs }) => roundTripMs, msText),
]
