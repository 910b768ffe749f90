import { type RoundTripsReply, roundTripLinks } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { Empty } from '../../components/Notice.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatDuration } from '../../format/time.ts'
import { MatrixTable } from './MatrixTable.tsx'
import { linksBetween, mostCells, mostNodes, nodeMatrix, regionMatrix } from './matrix.ts'
import { RoundTripLinks } from './RoundTripLinks.tsx'

const everyMs = { few: 5000, many: 30_000 }

/** What SWIM measured from each node to each other one. */
export function RoundTrips() {
  const query = useQuery({
    queryKey: ['round-trips'],
    queryFn: gateway.roundTrips,
    // Nothing of it stays the same, and of hundreds of nodes it has a hundred thousand links.
    structuralSharing: false,
    refetchInterval: ({ state }) => paceOf(state.data),
  })
  return (
    <DataPanel
      title="Round trips"
      what="the round trips"
      query={query}
      everyMs={paceOf(query.data)}
    >
      {(reply) =>
        reply.nodes.length < 2 ? (
          <Empty>One node alone has nobody to measure. A second one fills this.</Empty>
        ) : (
          <RoundTripFigures reply={reply} />
        )
      }
    </DataPanel>
  )
}

function paceOf(reply: RoundTripsReply | undefined): number {
  return (reply?.nodes.length ?? 0) > mostCells ? everyMs.many : everyMs.few
}

function RoundTripFigures({ reply }: { reply: RoundTripsReply }) {
  // Only these: a letter typed into the filter of members is no reason to go through all links.
  const wanted = useSearch({ from: '/cluster', select: ({ matrix }) => matrix })
  const pair = useSearch({ from: '/cluster', select: ({ pair: chosen }) => chosen })
  const navigate = useNavigate({ from: '/cluster' })
  const count = reply.nodes.length
  const mayShowNodes = count <= mostCells
  const shown = mayShowNodes ? (wanted ?? (count > mostNodes ? 'regions' : 'nodes')) : 'regions'
  const [from, to] = pair?.split(' ~ ') ?? []
  // Measured with 500 nodes: 100 ms each, and a panel is rendered thrice for each answer.
  const all = useMemo(() => roundTripLinks(reply), [reply])
  const matrix = useMemo(
    () => (shown === 'nodes' ? nodeMatrix(reply.nodes, all) : regionMatrix(reply.nodes, all)),
    [reply, all, shown],
  )
  const links = useMemo(() => {
    if (from !== undefined && to !== undefined) return linksBetween(reply.nodes, all, [from, to])
    return mayShowNodes ? all : []
  }, [reply, all, from, to, mayShowNodes])
  const measured = all.filter(({ rttMs }) => rttMs !== null).length
  const show = (next: 'nodes' | 'regions') =>
    void navigate({ search: (old) => ({ ...old, matrix: next }), replace: true })

  return (
    <>
      <p>
        Medians of what SWIM measured last, from the row to the column.{' '}
        {reply.mean_ms === null ? (
          'None was measured yet.'
        ) : (
          <>
            Mean {formatDuration(reply.mean_ms)}
            {reply.deviation_ms !== null && `, σ ${formatDuration(reply.deviation_ms)}`}, of n=
            {measured} links.
          </>
        )}
      </p>
      <div className="toolbar">
        <div role="group" aria-label="Rows and columns">
          <button
            type="button"
            aria-pressed={shown === 'nodes'}
            disabled={!mayShowNodes}
            title={mayShowNodes ? undefined : `for at most ${mostCells} nodes`}
            onClick={() => show('nodes')}
          >
            Nodes
          </button>{' '}
          <button type="button" aria-pressed={shown === 'regions'} onClick={() => show('regions')}>
            Regions
          </button>
        </div>
        {to !== undefined && (
          <button
            type="button"
            className="quiet"
            onClick={() =>
              void navigate({ search: ({ pair: _pair, ...rest }) => rest, replace: true })
            }
          >
            All links, not only {from} to {to}
          </button>
        )}
      </div>
      <Twin
        id="round-trips"
        picture={
          <>
            <MatrixTable matrix={matrix} reply={reply} isOfRegions={shown === 'regions'} />
            {to !== undefined && <RoundTripLinks of={links} reply={reply} />}
          </>
        }
        table={<RoundTripLinks of={links} reply={reply} />}
      />
      <Unheard reply={reply} />
    </>
  )
}

/** Nodes whose own measurements are not known, with the reason. */
function Unheard({ reply }: { reply: RoundTripsReply }) {
  const unheard = reply.nodes.filter(({ error }) => error !== null)
  if (unheard.length === 0) return null
  return (
    <ul className="cluster-disagreements">
      {unheard.map(({ node_id, error }) => (
        <li key={node_id}>
          <State of="failed" /> {node_id}: {error}
        </li>
      ))}
    </ul>
  )
}
