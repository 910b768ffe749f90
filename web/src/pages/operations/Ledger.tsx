import type { LedgerReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'

type Entry = LedgerReply['streams'][number]

const everyMs = 5000

/** Whether analytics has every record that was published; what is missing by its numbers. */
export function Ledger() {
  const query = useQuery({
    queryKey: ['ledger'],
    queryFn: gateway.ledger,
    refetchInterval: everyMs,
  })
  return (
    <DataPanel title="Ledger of records" what="the ledger" query={query} everyMs={everyMs}>
      {({ is_balanced, streams }) => {
        const missing = streams.flatMap(({ missing: ranges, stream, incarnation }) =>
          ranges.map((range) => ({ ...range, stream, incarnation })),
        )
        return (
          <>
            <p>
              {is_balanced ? (
                <Badge tone="good">balanced</Badge>
              ) : (
                <Badge tone="bad">not balanced</Badge>
              )}{' '}
              published = stored + duplicates + refused + missing, for every stream and each time
              that it was made.
            </p>
            <Table
              caption="Streams and what analytics has of them"
              file="ledger"
              columns={columns}
              rows={streams}
              keyOf={keyOf}
              empty="Analytics has not read a stream yet."
            />
            <h3>Missing records</h3>
            <Table
              caption="Records that were gone before they were stored"
              file="ledger-missing"
              columns={missingColumns}
              rows={missing}
              keyOf={(range) => `${keyOf(range)} ${range.from}`}
              empty="None: every record that was published reached analytics."
            />
          </>
        )
      }}
    </DataPanel>
  )
}

function keyOf({ stream, incarnation }: { stream: string; incarnation: string }): string {
  return `${stream} ${incarnation}`
}

type Figure =
  | 'published'
  | 'stored'
  | 'duplicates'
  | 'refused'
  | 'missing_records'
  | 'waiting'
  | 'last_sequence'

const figure = (id: Figure, title: string) =>
  figureColumn<Entry, number | null>(id, title, (entry) => entry[id], countText)

function countText(count: number | null): string {
  return count === null ? '–' : formatCount(count)
}

const columns: Column<Entry>[] = [
  textColumn('stream', 'Stream', ({ stream }) => stream),
  {
    id: 'incarnation',
    title: 'Made at',
    value: ({ incarnation }) => incarnation,
    cell: ({ incarnation, is_current, ended }) => (
      <>
        <Time at={madeAt(incarnation)} withDate />{' '}
        {!is_current && (
          <Badge tone="quiet">{ended === undefined ? 'gone since' : 'went back'}</Badge>
        )}
      </>
    ),
  },
  figure('published', 'Published'),
  figure('stored', '= stored'),
  figure('duplicates', '+ duplicates'),
  figure('refused', '+ refused'),
  figure('missing_records', '+ missing'),
  {
    id: 'balance',
    title: 'Balance',
    value: balanceOf,
    cell: (entry) =>
      balanceOf(entry) === 0 ? (
        <Badge tone="good">0</Badge>
      ) : (
        <Badge tone="bad">{formatCount(balanceOf(entry))}</Badge>
      ),
  },
  figure('waiting', 'Waiting'),
  figure('last_sequence', 'Up to'),
]

// One whose stream went back says behind it until when it was counted.
function madeAt(incarnation: string): string {
  return incarnation.split(' ')[0] ?? incarnation
}

function balanceOf({ published, stored, duplicates, refused, missing_records }: Entry): number {
  return published - stored - duplicates - refused - missing_records
}

interface MissingRange {
  stream: string
  incarnation: string
  from: number
  to: number
  reason: string
}

const missingColumns: Column<MissingRange>[] = [
  textColumn('stream', 'Stream', ({ stream }) => stream),
  figureColumn('from', 'From', ({ from }) => from, formatCount),
  figureColumn('to', 'To', ({ to }) => to, formatCount),
  figureColumn('records', 'Records', ({ from, to }) => to - from + 1, formatCount),
  textColumn('reason', 'Reason', ({ reason }) => reason),
]
