import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import type { AckPoint } from './acks.ts'
import { msText } from './figure-text.ts'
import { type Pattern, patternOf } from './receipt-pattern.ts'

/** A strip for each receiver: bars where its acknowledgements came in. */
export function ReceiptPattern({ points, file }: { points: readonly AckPoint[]; file: string }) {
  const pattern = patternOf(points)
  if (!pattern) return <Empty>No acknowledgement arrived.</Empty>
  return (
    <Twin
      id="arrivals"
      picture={<Strips pattern={pattern} />}
      table={
        <Table
          caption="Arrivals by receiver and time"
          columns={columns}
          rows={rowsOf(pattern)}
          keyOf={({ node, fromMs }) => `${node} ${fromMs}`}
          empty="No acknowledgement arrived."
          file={file}
        />
      }
    />
  )
}

function Strips({ pattern }: { pattern: Pattern }) {
  const { nodes, buckets, bucketMs, most } = pattern
  return (
    <>
      <ul className="analytics-strips">
        {nodes.map(({ node, counts, n }) => {
          const used = counts.filter((count) => count > 0).length
          return (
            <li key={node}>
              <span>
                {node} <span className="hint">n {formatCount(n)}</span>
              </span>
              <svg
                viewBox={`0 0 ${buckets} 20`}
                preserveAspectRatio="none"
                role="img"
                aria-label={`${node}: ${n} arrivals in ${used} of ${buckets} times of ${msText(bucketMs)}`}
              >
                <path d={barsOf(counts, most)} />
              </svg>
            </li>
          )
        })}
      </ul>
      <p className="hint">
        From the first arrival on, {msText(bucketMs)} a bar, {msText(buckets * bucketMs)} in all,{' '}
        {most} at most in one; by the clocks of the origins. Bursts show what batches messages:
        Corrosion flushes its subscriptions every 600 ms.
      </p>
    </>
  )
}

/** One path for all bars: many receivers would be very many elements. */
function barsOf(counts: readonly number[], most: number): string {
  return counts
    .flatMap((count, index) => {
      const height = Math.max(2, (20 * count) / most).toFixed(1)
      return count === 0 ? [] : `M${index} 20v-${height}h1v${height}z`
    })
    .join('')
}

interface Row {
  node: string
  fromMs: number
  count: number
}

function rowsOf({ nodes, bucketMs }: Pattern): Row[] {
  return nodes.flatMap(({ node, counts }) =>
    counts.flatMap((count, index) =>
      count === 0 ? [] : [{ node, fromMs: index * bucketMs, count }],
    ),
  )
}

const columns: Column<Row>[] = [
  textColumn('node', 'Receiver', ({ node }) => node),
  figureColumn('from_ms', 'After the first arrival', ({ fromMs }) => fromMs, msText),
  figureColumn('count', 'Acks', ({ count }) => count, formatCount),
]
