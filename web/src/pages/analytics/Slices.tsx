import type { TransportFigures } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { LazyChart } from '../../components/LazyChart.tsx'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { lostTitle, msText, secondsText } from './figure-text.ts'
import { percentileColumns } from './percentile-columns.ts'

type Slice = TransportFigures['series'][number]

const count = (id: 'sent' | 'accepted' | 'expected_acks' | 'lost', title: string) =>
  figureColumn<Slice, number>(id, title, (slice) => slice[id], formatCount)
const columnsOf = (isFinal: boolean): Column<Slice>[] => [
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
  ...percentileColumns<Slice>((slice) => slice.round_trip),
]

interface SlicesProps {
  slices: readonly Slice[]
  transport: string
  isFinal: boolean
  file: string
}

/** Round trips and losses over the time of sending, in slices of it. */
export function Slices({ slices, transport, isFinal, file }: SlicesProps) {
  if (slices.length === 0) return <Empty>Nothing was sent yet.</Empty>
  return (
    <Twin
      id="slices"
      picture={<Picture {...{ slices, transport, isFinal }} />}
      table={
        <Table
          caption="Slices of the time of sending"
          columns={columnsOf(isFinal)}
          rows={slices}
          keyOf={({ from_s: from }) => String(from)}
          empty="Nothing was sent."
          file={file}
        />
      }
    />
  )
}

function Picture({ slices, transport, isFinal }: Omit<SlicesProps, 'file'>) {
  const n = slices.reduce((sum, { round_trip: roundTrip }) => sum + roundTrip.n, 0)
  const lines = (['p50', 'p95'] as const).flatMap((name) => {
    const values = slices.map(({ round_trip: roundTrip }) => roundTrip[`${name}_ms`])
    return values.some((value) => value !== null) ? [{ label: name, values }] : []
  })
  // A line leaves out what stands alone between gaps.
  const hasGaps = lines.some(({ values }) => values.includes(null))
  return (
    <>
      <LazyChart
        label={`Median and 95th percentile of the round trips over ${transport} in ${slices.length} slices of the time of sending`}
        axis="number"
        x={slices.map(({ from_s: from, to_s: to }) => (from + to) / 2)}
        formatX={secondsText}
        formatY={msText}
        kind={hasGaps ? 'points' : 'line'}
        series={lines}
      />
      <p className="hint">
        Round trips of the messages that left in each slice (n {formatCount(n)}); a slice has a p95
        from 20 on.
      </p>
      <Losses {...{ slices, isFinal }} />
    </>
  )
}

const mostNamed = 10

function Losses({ slices, isFinal }: Pick<SlicesProps, 'slices' | 'isFinal'>) {
  const lossy = slices.filter(({ lost }) => lost > 0)
  if (lossy.length === 0) return null
  const lost = lossy.reduce((sum, slice) => sum + slice.lost, 0)
  const named = lossy
    .slice(0, mostNamed)
    .map(({ from_s: from, lost: some }) => `${secondsText(from)} (${some})`)
  return (
    <p className={isFinal ? 'note bad' : 'hint'}>
      {formatCount(lost)} acknowledgements {isFinal ? 'are lost' : 'have not come yet'}, of messages
      that left at {named.join(', ')}
      {lossy.length > mostNamed && ` and in ${lossy.length - mostNamed} slices more`}.
    </p>
  )
}
