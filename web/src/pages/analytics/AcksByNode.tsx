import type { TransportFigures } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { LazyChart } from '../../components/LazyChart.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { textColumn } from '../../components/text-column.ts'
import type { Measured } from './Acknowledgements.tsx'
import { type AckPoint, preciseMs } from './acks.ts'
import { msText, secondsText } from './figure-text.ts'
import { alignByNode } from './series-by-node.ts'

interface AcksByNodeProps {
  of: Measured
  points: readonly AckPoint[]
}

/** Round trips over the time of sending, each by its receiver. */
export function AcksByNode({ of: { experiment, figures }, points }: AcksByNodeProps) {
  const { id, started_at: started } = experiment
  const { receivers, transport } = figures
  const from = started === null ? (points[0]?.sentAt ?? 0) : preciseMs(started)
  const names = slowestOf(receivers)
  const { x, series } = alignByNode(
    points.filter(({ node }) => names.has(node)),
    from,
  )
  return (
    <>
      <Twin
        id="acks"
        picture={
          <LazyChart
            label={`Round trips of ${points.length} acknowledgements over the time of sending, by receiver`}
            kind="points"
            axis="number"
            height={280}
            x={x}
            formatX={secondsText}
            formatY={msText}
            series={series}
          />
        }
        table={
          <Table
            caption="Acknowledgements by receiver"
            columns={columnsFrom(from)}
            rows={points}
            keyOf={({ node, sentAt, arrivedAt }) => `${node} ${sentAt} ${arrivedAt}`}
            empty="No acknowledgement arrived."
            file={`${id}-${transport}-acks`}
          />
        }
      />
      <p className="hint">
        Seconds since the start at which the message was sent, and its round trip, by its origin's
        clock. A name shows its node alone.
        {receivers.length > names.size &&
          ` The ${names.size} slowest of ${receivers.length} receivers are drawn; the table has all.`}
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

const columnsFrom = (from: number): Column<AckPoint>[] => [
  textColumn('node', 'Receiver', ({ node }) => node),
  {
    id: 'sent_s',
    title: 'Sent',
    align: 'right',
    value: ({ sentAt }) => Number(((sentAt - from) / 1000).toFixed(6)),
    cell: ({ sentAt }) => secondsText((sentAt - from) / 1000),
  },
  figureColumn('round_trip_ms', 'Round trip', ({ roundTripMs }) => roundTripMs, msText),
]
