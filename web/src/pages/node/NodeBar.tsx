import type { NodeSummary } from '@corroport/contracts'
import { useNavigate } from '@tanstack/react-router'
import { everyMs } from '../../api/queries.ts'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { Choice } from '../../components/Field.tsx'
import { useRefusal } from '../../shell/refusal.ts'
import { Restart } from './Restart.tsx'

interface NodeBarProps {
  nodeId: string
  nodes: readonly NodeSummary[]
  summary: NodeSummary | undefined
  heardAt: number
}

/** Which node, whether it is heard, and what can be done to it. */
export function NodeBar({ nodeId, nodes, summary, heardAt }: NodeBarProps) {
  const refusal = useRefusal('operator')
  const navigate = useNavigate({ from: '/node' })
  const options = nodes.map(({ node_id, is_local, presence, region }) => ({
    value: node_id,
    label: [node_id, region, presence, is_local ? 'this gateway' : ''].filter(Boolean).join(' · '),
  }))
  if (!summary) options.unshift({ value: nodeId, label: `${nodeId} · not known` })
  return (
    <div className="toolbar node-bar">
      <Choice
        label="Node"
        value={nodeId}
        options={options}
        onChange={(value) =>
          void navigate({
            search: ({ rollout: _rollout, operation: _operation, ...rest }) => ({
              ...rest,
              node: value,
            }),
          })
        }
      />
      {summary && (
        <span className="node-presence">
          <State of={summary.presence} title="on NATS" />{' '}
          <Age at={heardAt} ageMs={summary.age_ms} staleAfterMs={2 * everyMs.nodes} /> agent{' '}
          <State of={summary.agent_state} />
        </span>
      )}
      <Restart nodeId={nodeId} />
      {refusal !== undefined && <span className="hint">{refusal}</span>}
    </div>
  )
}
