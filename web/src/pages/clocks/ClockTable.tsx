import { Link } from '@tanstack/react-router'
import { useGatewayAheadMs } from '../../api/gateway-clock.ts'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import type { ComparedClock } from './clock-order.ts'
import { boundText, durationText, offsetText } from './clock-text.ts'

const staleAfterMs = 35_000

const columns: readonly Column<ComparedClock>[] = [
  {
    id: 'node',
    title: 'Node',
    value: ({ node_id }) => node_id,
    cell: ({ node_id }) => (
      <Link to="/clocks" search={(old) => ({ ...old, node: node_id })} replace resetScroll={false}>
        {node_id}
      </Link>
    ),
  },
  {
    id: 'state',
    title: 'State',
    value: ({ state }) => state,
    cell: ({ state, error }) => (
      <>
        <State of={state} /> {error !== null && <span className="aside">{error}</span>}
      </>
    ),
  },
  figureColumn('offset_ms', 'Offset', ({ offset_ms }) => offset_ms, offsetText),
  figureColumn('bound_ms', 'Bound', ({ bound_ms }) => bound_ms, boundText),
  {
    id: 'apart_ms',
    title: 'Surely apart',
    note: 'from the furthest',
    align: 'right',
    value: ({ furthest }) => furthest?.apartMs ?? null,
    cell: ({ furthest }) => {
      if (!furthest) return '–'
      return furthest.apartMs === 0
        ? 'no'
        : `${durationText(furthest.apartMs)} from ${furthest.nodeId}`
    },
  },
  {
    id: 'drift_ppm',
    title: 'Drift',
    note: 'µs a second',
    align: 'right',
    value: ({ drift_ppm }) => drift_ppm,
    cell: ({ drift_ppm }) => (drift_ppm === null ? 'not known yet' : drift_ppm.toFixed(2)),
  },
  {
    id: 'round_trip_ms',
    title: 'Round trip',
    note: 'of the best probe',
    align: 'right',
    value: ({ round_trip_ms }) => round_trip_ms,
    cell: ({ round_trip_ms }) => durationText(round_trip_ms),
  },
  {
    id: 'at',
    title: 'Compared',
    value: ({ at }) => at,
    cell: ({ at }) => (at === null ? 'never' : <Compared at={at} />),
  },
]

/** The moment is one of the cluster, and ages are counted by the clock of the browser. */
function Compared({ at }: { at: string }) {
  return <Age at={Date.parse(at) - useGatewayAheadMs()} staleAfterMs={staleAfterMs} />
}

interface ClockTableProps {
  clocks: readonly ComparedClock[]
  chosen: string | undefined
}

export function ClockTable({ clocks, chosen }: ClockTableProps) {
  return (
    <Table
      caption="Clocks of all nodes, alarms first"
      columns={columns}
      rows={clocks}
      keyOf={({ node_id }) => node_id}
      isMarked={({ node_id }) => node_id === chosen}
      empty="No node is known yet: a clock is compared once its node was heard."
      file="clocks"
    />
  )
}
