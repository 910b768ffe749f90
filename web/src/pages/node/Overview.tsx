import type { NodeReply, NodeSummary } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { everyMs } from '../../api/queries.ts'
import { Age } from '../../components/Age.tsx'
import { Badge, State } from '../../components/Badge.tsx'
import { Figures } from '../../components/Figures.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel, Panel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { Diagnosis } from './Diagnosis.tsx'

const ownEveryMs = 2000

interface OverviewProps {
  nodeId: string
  /** As the gateway of this page hears it. */
  summary: NodeSummary | undefined
  /** When that came. Unix milliseconds. */
  heardAt: number
}

/** Who a node is, and how what it depends on does. */
export function Overview({ nodeId, summary, heardAt }: OverviewProps) {
  const query = useQuery({
    queryKey: ['node', nodeId],
    queryFn: () => gateway.node(nodeId),
    refetchInterval: ownEveryMs,
  })
  return (
    <>
      {summary && <Identity of={summary} heardAt={heardAt} />}
      <DataPanel
        title="Services and agent"
        what={`what ${nodeId} says of itself`}
        query={query}
        everyMs={ownEveryMs}
      >
        {(node) => <Parts of={node} />}
      </DataPanel>
      <Diagnosis nodeId={nodeId} />
    </>
  )
}

function Identity({ of, heardAt }: { of: NodeSummary; heardAt: number }) {
  const { region, presence, age_ms, actor_id, agent_state, version, is_declared } = of
  return (
    <Panel
      title="Identity"
      className="node-facts"
      aside={<Age at={heardAt} ageMs={age_ms} staleAfterMs={2 * everyMs.nodes} />}
    >
      <Figures
        of={[
          {
            label: 'presence on NATS',
            value: <State of={presence} />,
            note: is_declared ? 'declared' : 'not declared',
          },
          { label: 'region', value: region },
          { label: 'services', value: version && `version ${version}` },
          { label: 'agent', value: <State of={agent_state} /> },
          {
            label: 'kind of agent',
            value: kindOf(of.agent_kind),
            note: of.agent_version === null ? undefined : `version ${of.agent_version}`,
          },
          { label: 'actor id', value: actor_id && <span className="mono">{actor_id}</span> },
          {
            label: 'API',
            value: of.api_endpoint && <span className="mono">{of.api_endpoint}</span>,
          },
          {
            label: 'acknowledgements to',
            value: of.peer_endpoint && <span className="mono">{of.peer_endpoint}</span>,
          },
        ]}
      />
    </Panel>
  )
}

function kindOf(kind: NodeSummary['agent_kind']) {
  if (kind === 'development') return <Badge tone="info">development agent</Badge>
  return kind === 'real' ? 'Corrosion' : null
}

function Parts({ of }: { of: NodeReply }) {
  const { agent, checks, subscriptions, tracked_messages, started_at } = of
  return (
    <>
      <Figures
        of={[
          {
            label: 'agent',
            value: <State of={agent.state} />,
            note: agent.error ?? agent.url,
          },
          {
            label: 'answers in',
            value: agent.answered_in_ms === null ? null : formatDuration(agent.answered_in_ms),
          },
          { label: 'tracked messages', value: formatCount(tracked_messages) },
          { label: 'gateway since', value: <Time at={started_at} withDate /> },
        ]}
      />
      <div className="node-pair">
        <section aria-label="Checks">
          <h3>Checks</h3>
          <ul className="node-checks">
            {checks.map(({ name, ok, detail }, index) => (
              // Services of one process say the same name.
              <li key={index}>
                <Badge tone={ok ? 'good' : 'bad'}>{ok ? 'ok' : 'fails'}</Badge> {name}
                {detail !== undefined && <span className="aside"> {detail}</span>}
              </li>
            ))}
          </ul>
        </section>
        <section aria-label="Subscriptions">
          <h3>Tables that are followed</h3>
          <Table
            caption="Tables that are followed"
            rows={subscriptions ?? []}
            keyOf={({ table }) => table}
            columns={subscriptionColumns}
            empty={
              subscriptions === null
                ? 'The subscriber of this node does not answer.'
                : 'It follows no table.'
            }
          />
        </section>
      </div>
    </>
  )
}

const subscriptionColumns: readonly Column<NonNullable<NodeReply['subscriptions']>[number]>[] = [
  textColumn('table', 'Table', ({ table }) => table),
  {
    id: 'state',
    title: 'State',
    value: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
  },
  { id: 'since', title: 'Since', cell: ({ since }) => <Time at={since} /> },
  figureColumn('rows', 'Rows', ({ rows }) => rows, formatCount),
  {
    id: 'change',
    title: 'Last change',
    cell: ({ last_change_at }) =>
      last_change_at === null ? 'none yet' : <Time at={last_change_at} />,
  },
]
