import type { TransportFigures } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import { type CurvePoint, cumulate, pathOf } from './curves.ts'
import { msText, shareText } from './figure-text.ts'
import { Legend } from './Legend.tsx'
import { Plot } from './Plot.tsx'

interface CurveRow extends CurvePoint {
  transport: string
}

const curveColumns: Column<CurveRow>[] = [
  textColumn('transport', 'Transport', ({ transport }) => transport),
  figureColumn('ms', 'Within', (row) => row.ms, msText),
  figureColumn('share', 'Had come', (row) => row.share, shareText),
]

interface CumulatedSharesProps {
  all: readonly TransportFigures[]
  id: string
}

/** What share of the acknowledgements had come within a time, of each transport. */
export function CumulatedShares({ all, id }: CumulatedSharesProps) {
  const curves = all.flatMap((figures) => {
    const points = cumulate(figures)
    const { transport, round_trip: roundTrip } = figures
    return points.length === 0 ? [] : [{ transport, n: roundTrip.n, points }]
  })
  const times = curves.flatMap(({ points }) => points.flatMap(({ ms }) => (ms > 0 ? [ms] : [])))
  if (times.length === 0) return <Empty>No acknowledgement arrived.</Empty>
  const x = { low: Math.min(...times), high: Math.max(...times), kind: 'logarithmic' as const }
  const rows = curves.flatMap(({ transport, points }) =>
    points.map((point) => ({ ...point, transport })),
  )
  return (
    <Twin
      id="curves"
      picture={
        <>
          <Plot
            label={`Share of the acknowledgements that had come within a time, of ${curves.map(({ transport, n }) => `${n} over ${transport}`).join(' and ')}`}
            x={x}
            y={{ low: 0, high: 100, kind: 'linear' }}
            xTitle="round trip, ms (logarithmic)"
            yTitle="acks that had come, %"
          >
            {({ x: across, y }) =>
              curves.map(({ transport, points }, index) => (
                <path
                  key={transport}
                  className={`line series-${index + 1}`}
                  d={pathOf(points.map(({ ms, share }) => [across.at(ms), y.at(share * 100)]))}
                />
              ))
            }
          </Plot>
          <Legend names={curves.map(({ transport, n }) => `${transport} (n ${formatCount(n)})`)} />
        </>
      }
      table={
        <Table
          caption="Share of the acknowledgements that had come within a time"
          columns={curveColumns}
          rows={rows}
          keyOf={({ transport, ms, share }) => `${transport} ${ms} ${share}`}
          empty="No acknowledgement arrived."
          file={`${id}-cumulated`}
        />
      }
    />
  )
}
