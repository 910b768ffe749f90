import type { CheckedEdit, Plan } from '@corroport/contracts'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Badge, State } from '../../components/Badge.tsx'
import { Confirm } from '../../components/Confirm.tsx'
import { Copy } from '../../components/Copy.tsx'
import { Empty } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { toast } from '../../components/toasts.ts'
import { formatAge } from '../../format/time.ts'
import { useGatewayNow } from '../../shell/gateway-now.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { Diff } from './Diff.tsx'

interface PlanViewProps {
  of: Plan
  /** After its rollout has begun. */
  onApplied: () => void
}

/** What a change would do to each node, and whether it may be done. */
export function PlanView({ of, onApplied }: PlanViewProps) {
  const { id, node_ids, nodes, problems, warnings, graph, expires_at } = of
  const navigate = useNavigate({ from: '/node' })
  const now = useGatewayNow()
  const refusal = useRefusal('operator')
  const [isAsked, setAsked] = useState(false)
  const leftMs = Date.parse(expires_at) - now
  const isOver = leftMs <= 0
  const mayApply = problems.length === 0 && !isOver && refusal === undefined
  const changed = nodes.filter(({ diff }) => diff !== '')
  const [canary] = node_ids
  const command = `npx corroport config apply ${id} --confirm ${id}`

  const apply = async (): Promise<void> => {
    const { rollout } = await gateway.apply(id)
    toast('info', `the rollout over ${node_ids.join(', ')} has begun`)
    onApplied()
    void navigate({ search: (old) => ({ ...old, rollout: rollout.id }), resetScroll: false })
  }

  return (
    <Panel
      title="Plan"
      aside={isOver ? 'has expired: plan again' : `holds for ${formatAge(leftMs)}`}
      actions={
        <button
          type="button"
          className="primary"
          disabled={!mayApply}
          title={refusal ?? (problems.length > 0 ? 'there are problems' : undefined)}
          onClick={() => setAsked(true)}
        >
          Apply …
        </button>
      }
    >
      <div role="status">
        {problems.length > 0 ? (
          <Badge tone="bad">
            cannot be applied: {problems.length} {problems.length === 1 ? 'problem' : 'problems'}
          </Badge>
        ) : (
          <Badge tone="good">can be applied</Badge>
        )}{' '}
        {warnings.length > 0 && (
          <Badge tone="warn">
            {warnings.length} {warnings.length === 1 ? 'warning' : 'warnings'}
          </Badge>
        )}
      </div>
      <Remarks tone="bad" title="Problems" of={problems} />
      <Remarks tone="warn" title="Warnings" of={warnings} />
      {node_ids.length > 0 && (
        <p>
          Order: <strong>{canary}</strong> as the canary
          {node_ids.length > 1 && `, then ${node_ids.slice(1).join(', ')}`}; one node at a time,
          each restarted and checked before the next.
        </p>
      )}
      <Graph of={graph} />
      {changed.length === 0 ? (
        <Empty>No file would change.</Empty>
      ) : (
        changed.map((node) => <PlannedNode key={node.node_id} of={node} />)
      )}
      <p className="hint node-command">
        <code>{command}</code> <Copy text={command} />
      </p>
      {isAsked && (
        <Confirm
          title="Apply the plan"
          action={`Apply to ${describeNodes(node_ids)}`}
          isDangerous
          {...(node_ids.length > 1 ? { typed: describeNodes(node_ids) } : {})}
          onConfirm={apply}
          onClose={() => setAsked(false)}
        >
          <p>
            The agents of {node_ids.join(', ')} are restarted, one after the other. A node that does
            not come back is put on its old file by itself, and the rest stays as it is. Each node
            can be rolled back afterwards.
          </p>
        </Confirm>
      )}
    </Panel>
  )
}

function describeNodes(nodeIds: readonly string[]): string {
  return nodeIds.length === 1 ? (nodeIds[0] ?? '') : `${nodeIds.length} nodes`
}

interface RemarksProps {
  tone: 'bad' | 'warn'
  title: string
  of: readonly string[]
}

function Remarks({ tone, title, of }: RemarksProps) {
  if (of.length === 0) return null
  return (
    <div className={`note ${tone}`}>
      <strong>{title}</strong>
      <ul>
        {of.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  )
}

function Graph({
  of: { components, single_points_of_failure, unknown_seeds },
}: {
  of: Plan['graph']
}) {
  return (
    <>
      <h3>Who finds whom from empty databases</h3>
      <ul>
        {components.map((nodeIds, index) => (
          <li key={nodeIds.join(' ')}>
            {components.length === 1 ? (
              <Badge tone="good">one piece</Badge>
            ) : (
              <Badge tone="bad">
                piece {index + 1} of {components.length}
              </Badge>
            )}{' '}
            {nodeIds.join(', ')}
          </li>
        ))}
        {single_points_of_failure.map((nodeId) => (
          <li key={nodeId}>
            <Badge tone="warn">single point of failure</Badge> without {nodeId} the rest falls into
            pieces
          </li>
        ))}
        {unknown_seeds.map(({ node_id, host }) => (
          <li key={`${node_id} ${host}`}>
            <Badge tone="warn">unknown seed</Badge> {host} of {node_id} is no gossip address of any
            node
          </li>
        ))}
      </ul>
    </>
  )
}

function PlannedNode({ of: { node_id, agent, diff, resolved } }: { of: CheckedEdit }) {
  const named = resolved.filter(({ host, addresses }) => addresses.join() !== host)
  return (
    <section aria-label={node_id}>
      <h3>
        {node_id} <State of={agent.state} />
      </h3>
      <Diff of={diff} label={`Diff of ${node_id}`} />
      {named.length > 0 && (
        <ul>
          {named.map(({ host, addresses, error }) => (
            <li key={host}>
              {host}: {error ?? `is ${addresses.join(', ')}`}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
