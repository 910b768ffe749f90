import type { ComparedFigure } from '@corroport/contracts'
import { intervalText } from './ComparisonTable.tsx'
import { percentsOf } from './difference-percents.ts'
import { Plot } from './Plot.tsx'

const rowHeight = 34

/** Each difference in percent of A, with its interval; those that reach over zero show nothing. */
export function ComparisonPicture({ figures }: { figures: readonly ComparedFigure[] }) {
  const drawn = figures.flatMap((figure) => {
    const percents = percentsOf(figure)
    return percents ? [{ figure, ...percents }] : []
  })
  const absent = figures.filter((figure) => percentsOf(figure) === undefined)
  const ends = drawn.flatMap(({ low, high }) => [low, high])
  const low = Math.min(0, ...ends)
  const high = Math.max(0, ...ends)
  const room = (high - low || 1) * 0.05
  return (
    <>
      {drawn.length > 0 && (
        <Plot
          label={`Differences with their intervals: ${drawn.map(({ figure }) => `${figure.transport} ${figure.figure} ${intervalText(figure)}`).join('; ')}`}
          x={{ low: low - room, high: high + room, kind: 'linear' }}
          y={{ low: 0, high: 0, kind: 'linear' }}
          formatX={(value) => `${value} %`}
          xTitle="B less A, in percent of A"
          height={70 + drawn.length * rowHeight}
        >
          {({ x }) => (
            <>
              <path className="zero" d={`M${x.at(0)} 18V${32 + drawn.length * rowHeight}`} />
              {drawn.map(({ figure, ...part }, index) => {
                const at = 44 + index * rowHeight
                const isDifferent = figure.verdict === 'different'
                return (
                  <g
                    key={`${figure.transport} ${figure.figure}`}
                    className={isDifferent ? 'interval different' : 'interval'}
                  >
                    <text x={4} y={at - 8}>
                      {figure.transport} {figure.figure}: {figure.verdict}
                    </text>
                    <path d={`M${x.at(part.low)} ${at}H${x.at(part.high)}`} />
                    <circle cx={x.at(part.middle)} cy={at} r={4} />
                  </g>
                )
              })}
            </>
          )}
        </Plot>
      )}
      {absent.length > 0 && (
        <p className="hint">
          Not drawn, because A is 0 or there is no interval:{' '}
          {absent.map(({ transport, figure }) => `${transport} ${figure}`).join(', ')}.
        </p>
      )}
    </>
  )
}
