import type { TransportFigures } from '@corroport/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { figureColumn } from '../../components/figure-column.ts'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { CumulatedShares } from './CumulatedShares.tsx'
import { type Bucket, usedBuckets } from './curves.ts'
import { DistributionTable } from './DistributionTable.tsx'
import { msText } from './figure-text.ts'
import { Histogram } from './Histogram.tsx'

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
            picture={<Histogram {...{ buckets, roundTrip, isLinear }} />}
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
      <CumulatedShares all={all} id={id} />
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
