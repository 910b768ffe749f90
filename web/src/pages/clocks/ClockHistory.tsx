import type { ClockSampled } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { LazyChart } from '../../components/LazyChart.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { timeColumn } from '../../components/time-column.tsx'
import { boundText, durationText, offsetText } from './clock-text.ts'

const columns: readonly Column<ClockSampled>[] = [
  timeColumn('at', 'At', ({ at }) => at),
  figureColumn('offsetMs', 'Offset', ({ offsetMs }) => offsetMs, offsetText),
  figureColumn('boundMs', 'Bound', ({ boundMs }) => boundMs, boundText),
  figureColumn('roundTripMs', 'Round trip', ({ roundTripMs }) => roundTripMs, durationText),
  figureColumn('probes', 'Probes', ({ probes }) => probes, String),
  {
    id: 'driftPpm',
    title: 'Drift',
    note: 'µs a second',
    align: 'right',
    value: ({ driftPpm }) => driftPpm,
    cell: ({ driftPpm }) => (driftPpm === null ? '–' : driftPpm.toFixed(2)),
  },
]

interface ClockHistoryProps {
  nodeId: string
  /** Oldest first. */
  samples: readonly ClockSampled[]
}

/** The offset of one clock over time; the true one lies within the band. */
export function ClockHistory({ nodeId, samples }: ClockHistoryProps) {
  if (samples.length === 0) {
    return (
      <p className="empty">
        No sample of {nodeId} in this time range. One comes each 10 seconds while its node answers.
      </p>
    )
  }
  const label =
    `Offset of the clock of ${nodeId} from the one of analytics, ` +
    `with its bound, in ${samples.length} samples`
  return (
    <Twin
      id="clock"
      picture={
        <LazyChart
          label={label}
          axis="time"
          x={samples.map(({ at }) => Date.parse(at) / 1000)}
          series={[
            {
              label: 'at most',
              values: samples.map(({ offsetMs, boundMs }) => offsetMs + boundMs),
            },
            { label: 'offset', values: samples.map(({ offsetMs }) => offsetMs) },
            {
              label: 'at least',
              values: samples.map(({ offsetMs, boundMs }) => offsetMs - boundMs),
            },
          ]}
          band={[0, 2]}
          formatY={(ms) => `${ms} ms`}
        />
      }
      table={
        <Table
          caption={label}
          columns={columns}
          rows={samples.toReversed()}
          keyOf={({ at }) => at}
          empty=""
          file={`clock-${nodeId}`}
        />
      }
    />
  )
}
