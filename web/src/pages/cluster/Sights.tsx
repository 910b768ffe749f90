import type { ClusterMember, Sight } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { everyMs } from '../../api/queries.ts'
import { Answer } from '../../components/Answer.tsx'
import { State } from '../../components/Badge.tsx'
import { Copy } from '../../components/Copy.tsx'
import { Figures } from '../../components/Figures.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'

interface SightsProps {
  of: ClusterMember & { node_id: string }
}

/** One member, and how each other one sees it. */
export function Sights({ of }: SightsProps) {
  const navigate = useNavigate({ from: '/cluster' })
  const { node_id, actor_id, former_actor_ids, gossip_address, agent, swim, link } = of
  const close = () => void navigate({ search: ({ node: _node, ...rest }) => rest, replace: true })
  return (
    <section className="cluster-sights" id="sights" aria-label={`Who sees ${node_id}`}>
      <header className="toolbar">
        <h3>Who sees {node_id}</h3>
        <button type="button" className="quiet" onClick={close}>
          Close
        </button>
      </header>
      <Figures
        of={[
          {
            label: 'actor id',
            value: actor_id && (
              <>
                <span className="mono">{actor_id}</span> <Copy text={actor_id} />
              </>
            ),
            note:
              former_actor_ids.length === 0
                ? undefined
                : `before a wipe: ${former_actor_ids.join(', ')}`,
          },
          { label: 'gossip address', value: gossip_address },
          {
            label: 'agent',
            value: <State of={agent.state} />,
            note: agent.since === null ? undefined : <Time at={agent.since} withDate />,
          },
          { label: 'incarnation', value: swim.incarnation, note: `ring ${swim.ring ?? '–'}` },
          {
            label: 'last sync from here',
            value: swim.last_sync_at === null ? 'none yet' : <Time at={swim.last_sync_at} />,
          },
          {
            label: 'its canaries are missed by',
            value: link.partitioned_from.length === 0 ? 'nobody' : link.partitioned_from.join(', '),
          },
        ]}
      />
      <SightsTable nodeId={node_id} />
    </section>
  )
}

function SightsTable({ nodeId }: { nodeId: string }) {
  const query = useQuery({
    queryKey: ['sights', nodeId],
    queryFn: () => gateway.sights(nodeId),
    refetchInterval: everyMs.members,
  })
  return (
    <Answer query={query} what={`how others see ${nodeId}`}>
      {({ sights }) => (
        <Table
          caption={`How others see ${nodeId}`}
          rows={sights}
          keyOf={(sight) => sight.node_id}
          empty="There is no other node."
          columns={sightColumns}
        />
      )}
    </Answer>
  )
}

const sightColumns: readonly Column<Sight>[] = [
  textColumn('node', 'Node', ({ node_id }) => node_id),
  {
    id: 'state',
    title: 'Sees it',
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state ?? 'not known'} />,
  },
]
