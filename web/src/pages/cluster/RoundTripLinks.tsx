import type { RoundTripLink, RoundTripsReply } from '@corroport/contracts'
import { State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatDuration } from '../../format/time.ts'
import { deviationsOf, formatDeviations, mostCells } from './matrix.ts'

interface RoundTripLinksProps {
  of: readonly RoundTripLink[]
  reply: RoundTripsReply
}

/** The links one by one, the slowest first. */
export function RoundTripLinks({ of, reply }: RoundTripLinksProps) {
  return (
    <Table
      caption="Links"
      file="round-trips"
      rows={of}
      keyOf={({ from, to }) => `${from} ${to}`}
      empty={
        reply.nodes.length > mostCells
          ? 'There are too many links for one table: choose two regions in the picture.'
          : 'No agent measured a round trip yet; SWIM does within some seconds of a start.'
      }
      sortBy={{ column: 'rtt', isDescending: true }}
      columns={linkColumns(reply)}
    />
  )
}

function linkColumns(reply: RoundTripsReply): Column<RoundTripLink>[] {
  return [
    textColumn('from', 'From', ({ from }) => from),
    textColumn('to', 'To', ({ to }) => to),
    {
      id: 'state',
      title: 'State',
      value: ({ state }) => state,
      cell: ({ state }) => <State of={state} />,
    },
    figureColumn(
      'rtt',
      'Round trip',
      ({ rttMs }) => rttMs,
      (ms) => (ms === null ? 'not measured' : formatDuration(ms)),
    ),
    figureColumn(
      'deviations',
      'Off the mean',
      ({ rttMs }) => deviationsOf(rttMs, reply),
      (deviations) => (deviations === null ? '–' : formatDeviations(deviations)),
    ),
    figureColumn('samples', 'n', ({ samples }) => samples, String),
  ]
}
