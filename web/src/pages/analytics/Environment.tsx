import type { Experiment, ExperimentEnvironment } from '@corroport/contracts'
import { type Figure, Figures } from '../../components/Figures.tsx'
import { Empty } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'

type Node = ExperimentEnvironment['nodes'][number]

const columns: Column<Node>[] = [
  {
    id: 'node_id',
    title: 'Node',
    value: (node) => node.node_id,
    cell: ({ node_id: id, was_present: wasPresent }) => `${id}${wasPresent ? '' : ' (absent)'}`,
  },
  {
    id: 'region',
    title: 'Region',
    value: (node) => node.region,
    cell: ({ region }) => region ?? '–',
  },
  {
    id: 'agent',
    title: 'Agent',
    value: agentOf,
    cell: (node) => agentOf(node) ?? '–',
  },
  {
    id: 'version',
    title: 'Services',
    value: (node) => node.version,
    cell: ({ version }) => version ?? '–',
  },
  {
    id: 'actor_id',
    title: 'Actor id',
    value: (node) => node.actor_id,
    cell: ({ actor_id: id }) => <code>{id ?? '–'}</code>,
  },
  {
    id: 'bootstrap',
    title: 'Bootstrap hosts',
    value: ({ bootstrap }) => bootstrap.join(' '),
    cell: ({ bootstrap }) => bootstrap.join(', ') || '–',
  },
  {
    id: 'config_sha256',
    title: 'Configuration (sha256)',
    value: (node) => node.config_sha256,
    cell: ({ config_sha256: digest }) => <code>{digest?.slice(0, 16) ?? '–'}</code>,
  },
]

/** What the cluster was when the experiment started, and who took part. */
export function Environment({ experiment }: { experiment: Experiment }) {
  const { environment, expected, by, created_at: created, deadline_at: deadline } = experiment
  return (
    <>
      <Figures
        of={[
          { label: 'Created', value: <Time at={created} withDate />, note: `by ${by}` },
          ...(deadline === null
            ? []
            : [
                {
                  label: 'Late from',
                  value: <Time at={deadline} withDate />,
                  note: 'acknowledgements after this count as late',
                },
              ]),
          ...(environment === null ? [] : figuresOf(environment)),
        ]}
      />
      <p className="hint">
        Expected: {expected.length === 0 ? 'nobody yet' : expected.join(', ')}, as the cluster was
        at the start.
      </p>
      {environment === null ? (
        <Empty>The environment is recorded when the experiment starts.</Empty>
      ) : (
        <Table
          caption="Nodes at the start"
          columns={columns}
          rows={environment.nodes}
          keyOf={({ node_id: id }) => id}
          empty="No node was known."
          file={`${experiment.id}-environment`}
        />
      )}
    </>
  )
}

function figuresOf({ versions, host }: ExperimentEnvironment): Figure[] {
  return [
    ...Object.entries(versions).map(([label, value]) => ({ label, value })),
    { label: 'Machine of analytics', value: host.platform, note: `${host.cores} cores` },
  ]
}

function agentOf({ agent_kind: kind, agent_version: version }: Node): string | null {
  return [kind, version].filter((part) => part !== null).join(' ') || null
}
