import type { TransportFigures } from '@corroport/contracts'
import type { Bucket } from './curves.ts'
import { msText, percentileText } from './figure-text.ts'
import { Plot } from './Plot.tsx'

interface HistogramProps {
  buckets: readonly Bucket[]
  roundTrip: TransportFigures['round_trip']
  isLinear: boolean
}

const percentiles = ['p50', 'p95', 'p99'] as const

/** Round trips by duration, with their percentiles. */
export function Histogram({ buckets, roundTrip, isLinear }: HistogramProps) {
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
