import type { TransportFigures } from '@corroport/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { type Bucket, type CurvePoint, cumulate, pathOf, usedBuckets } from './curves.ts'
import { DistributionTable } from './DistributionTable.tsx'
import { msText, percentileText, shareText } from './figure-text.ts'
import { Legend } from './Legend.tsx'
import { Plot } from './Plot.tsx'

interface DistributionsProps {
  figures: TransportFigures
  all: readonly TransportFigures[]
  id: string
}

/** How round trips are spread, with their percentiles, and what share had come within a time. */
export function Distributions({ figures, all, id }: DistributionsProps) {
  const { scale } = useSearch({ from: '/analytics' })
  const navigate = useNavigate({ from: '/analytics' })
  const isLinear = scale === 'linear'
  const { histogram, round_trip: roundTrip, transport } = figures
  const buckets = usedBuckets(isLinear ? histogram.linear : histogram.logarithmic)
  const file = `${id}-${transport}`
  return (
    <>
      <h3>
        Round trips over {transport} (n {formatCount(roundTrip.n)})
      </h3>
      {buckets.length === 0 ? (
        <Empty>No acknowledgement arrived; the first one is drawn here.</Empty>
      ) : (
        <>
          <label className="analytics-scale">
            <input
              type="checkbox"
              checked={!isLinear}
              onChange={({ target }) =>
                void navigate({
                  search: ({ scale: _scale, ...rest }) =>
                    target.checked ? rest : { ...rest, scale: 'linear' },
                  replace: true,
                  resetScroll: false,
                })
              }
            />
            logarithmic
          </label>
          <Twin
            id="distribution"
            picture={<Histogram buckets={buckets} figures={figures} isLinear={isLinear} />}
            table={
              <Table
                caption="Round trips by duration"
                columns={bucketColumns}
                rows={buckets}
                keyOf={({ from_ms: from }) => String(from)}
                empty="No acknowledgement arrived."
                file={`${file}-histogram`}
              />
            }
          />
        </>
      )}
      <h3>Share that had come within a time</h3>
      <Curves all={all} id={id} />
      <h3>All figures over {transport}</h3>
      <DistributionTable figures={figures} file={file} />
    </>
  )
}

const bucketColumns: Column<Bucket>[] = [
  figureColumn('from_ms', 'From', (bucket) => bucket.from_ms, msText),
  figureColumn('to_ms', 'To', (bucket) => bucket.to_ms, msText),
  figureColumn('count', 'Acks', (bucket) => bucket.count, formatCount),
]

interface HistogramProps {
  buckets: readonly Bucket[]
  figures: TransportFigures
  isLinear: boolean
}

const percentiles = ['p50', 'p95', 'p99'] as const

function Histogram({ buckets, figures: { round_trip: roundTrip }, isLinear }: HistogramProps) {
  const [first] = buckets
  const high = buckets.at(-1)?.to_ms ?? 1
  const from = first?.from_ms ?? 0
  // A bucket that begins at zero has no place on a logarithmic axis but its upper edge's.
  const low = isLinear || from > 0 ? from : high / 1000
  const said = percentiles.map((name) => `${name} ${percentileText(roundTrip, name)}`).join(', ')
  return (
    <>
      <Plot
        label={`Distribution of ${roundTrip.n} round trips: ${said}`}
        x={{ low, high, kind: isLinear ? 'linear' : 'logarithmic' }}
        y={{ low: 0, high: Math.max(...buckets.map(({ count }) => count)), kind: 'linear' }}
        xTitle="round trip, ms"
        yTitle="acks"
      >
        {({ x, y, width }) => (
          <>
            {buckets.map(({ from_ms: left, to_ms: right, count }) => {
              const start = x.at(Math.max(low, left))
              return (
                <rect
                  key={left}
                  className="bar"
                  x={start}
                  y={y.at(count)}
                  width={Math.max(1, x.at(right) - start - 1)}
                  height={y.at(0) - y.at(count)}
                >
                  <title>{`${msText(left)} to ${msText(right)}: ${count}`}</title>
                </rect>
              )
            })}
            {percentiles.map((name, index) => {
              const ms = roundTrip[`${name}_ms`]
              if (ms === null || ms < low) return null
              const at = x.at(ms)
              const isRight = at > width * 0.75
              return (
                <g key={name} className="mark">
                  <path d={`M${at} ${y.at(0)}V22`} />
                  <text
                    x={at + (isRight ? -4 : 4)}
                    y={33 + index * 14}
                    textAnchor={isRight ? 'end' : 'start'}
                  >
                    {name} {msText(ms)}
                  </text>
                </g>
              )
            })}
          </>
        )}
      </Plot>
      <p className="hint">Round trip: {said}.</p>
    </>
  )
}

interface CurveRow extends CurvePoint {
  transport: string
}

const curveColumns: Column<CurveRow>[] = [
  {
    id: 'transport',
    title: 'Transport',
    value: (row) => row.transport,
    cell: (row) => row.transport,
  },
  figureColumn('ms', 'Within', (row) => row.ms, msText),
  figureColumn('share', 'Had come', (row) => row.share, shareText),
]

function Curves({ all, id }: { all: readonly TransportFigures[]; id: string }) {
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
