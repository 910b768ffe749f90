import type { TransportFigures } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { pathOf } from './curves.ts'
import { msText, shareText } from './figure-text.ts'
import { Legend } from './Legend.tsx'
import { Plot } from './Plot.tsx'
import { percentileColumns } from './percentile-columns.ts'

type Reach = TransportFigures['coverage'][number]

const names = ['p50', 'p95', 'p99'] as const
const columns: Column<Reach>[] = [
  {
    id: 'nodes',
    title: 'Receivers',
    align: 'right',
    value: ({ nodes }) => nodes,
    cell: ({ nodes, share }) => `${nodes} (${shareText(share)})`,
  },
  figureColumn('n', 'n', ({ reached }) => reached.n, formatCount),
  ...percentileColumns<Reach>(({ reached }) => reached),
  figureColumn('max', 'max', ({ reached }) => reached.max_ms, msText),
]

/** Time until k of n receivers had acknowledged. */
export function Coverage({ coverage, file }: { coverage: readonly Reach[]; file: string }) {
  const lines = names.flatMap((name) => {
    const points = coverage.flatMap(({ share, reached }) => {
      const ms = reached[`${name}_ms`]
      return ms === null || ms <= 0 ? [] : [{ ms, share }]
    })
    return points.length === 0 ? [] : [{ name, points }]
  })
  const times = lines.flatMap(({ points }) => points.map(({ ms }) => ms))
  if (times.length === 0) return <Empty>No acknowledgement arrived.</Empty>
  const table = (
    <Table
      caption="Time until k of n receivers had acknowledged"
      columns={columns}
      rows={coverage}
      keyOf={({ share }) => String(share)}
      empty="No acknowledgement arrived."
      file={file}
    />
  )
  const picture = (
    <>
      <Plot
        label={`Time until a share of the receivers had acknowledged: ${lines.map(({ name }) => name).join(', ')}`}
        x={{ low: Math.min(...times), high: Math.max(...times), kind: 'logarithmic' }}
        y={{ low: 0, high: 100, kind: 'linear' }}
        xTitle="ms since sending (logarithmic)"
        yTitle="receivers, %"
      >
        {({ x, y }) =>
          lines.map(({ name, points }, index) => (
            <g key={name} className={`series-${index + 1}`}>
              <path
                className={`line series-${index + 1}`}
                d={pathOf(points.map(({ ms, share }) => [x.at(ms), y.at(share * 100)]))}
              />
              {points.map(({ ms, share }) => (
                <circle
                  key={share}
                  className={`dot series-${index + 1}`}
                  cx={x.at(ms)}
                  cy={y.at(share * 100)}
                  r={3}
                >
                  <title>{`${name} to ${shareText(share)}: ${msText(ms)}`}</title>
                </circle>
              ))}
            </g>
          ))
        }
      </Plot>
      <Legend names={lines.map(({ name }) => name)} />
    </>
  )
  return <Twin id="coverage" picture={picture} table={table} />
}
