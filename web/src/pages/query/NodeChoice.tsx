import { useQuery } from '@tanstack/react-query'
import { nodesQuery } from '../../api/queries.ts'
import { Choice } from '../../components/Field.tsx'
import { namesOf } from './query-command.ts'

interface NodeChoiceProps {
  /** As in the address: undefined is the node of this gateway. */
  nodes: string | undefined
  onChange: (nodes: string | undefined) => void
}

/** This node, all, or some. */
export function NodeChoice({ nodes, onChange }: NodeChoiceProps) {
  const { data } = useQuery(nodesQuery)
  const known = (data?.nodes ?? []).map((node) => node.node_id)
  const own = data?.nodes.find((node) => node.is_local)?.node_id
  const kind = nodes === undefined ? 'this' : nodes === 'all' ? 'all' : 'some'
  const chosen = kind === 'some' ? namesOf(nodes ?? '') : []
  const choose = (next: 'this' | 'all' | 'some'): void => {
    if (next === 'this') onChange(undefined)
    else onChange(next === 'all' ? 'all' : (own ?? known[0]))
  }
  const toggle = (nodeId: string): void => {
    const others = chosen.filter((each) => each !== nodeId)
    const next = others.length < chosen.length ? others : [...chosen, nodeId]
    // With none the choice would be another one; the last stays.
    if (next.length > 0) onChange(next.toSorted().join(','))
  }
  return (
    <>
      <Choice
        label="Nodes"
        value={kind}
        options={[
          { value: 'this', label: own === undefined ? 'this node' : `this node (${own})` },
          { value: 'all', label: `all nodes (${known.length}), compared` },
          { value: 'some', label: 'some nodes …' },
        ]}
        onChange={choose}
      />
      {kind === 'some' && (
        <fieldset className="query-nodes">
          <legend>Some nodes</legend>
          {[...new Set([...known, ...chosen])].map((nodeId) => (
            <label key={nodeId}>
              <input
                type="checkbox"
                checked={chosen.includes(nodeId)}
                onChange={() => toggle(nodeId)}
              />
              {nodeId}
              {data && !known.includes(nodeId) && ' (not known)'}
            </label>
          ))}
        </fieldset>
      )}
    </>
  )
}
