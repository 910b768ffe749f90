import { useQuery } from '@tanstack/react-query'
import { messageOf } from '../../api/errors.ts'
import { nodesQuery } from '../../api/queries.ts'

interface OriginsProps {
  chosen: readonly string[]
  error: string | undefined
  onChange: (origins: string[]) => void
}

/** The nodes that send; none chosen is the one of this page. */
export function Origins({ chosen, error, onChange }: OriginsProps) {
  const { data, error: failure } = useQuery(nodesQuery)
  const nodes = data?.nodes ?? []
  const local = nodes.find((node) => node.is_local)?.node_id
  const present = nodes.flatMap(({ node_id: id, presence }) => (presence === 'present' ? id : []))
  const presences = new Map(nodes.map(({ node_id: id, presence }) => [id, presence]))
  // One that was removed since is still asked for until it is taken away.
  const offered = new Set([...presences.keys(), ...chosen])
  const toggle = (id: string, isChosen: boolean): void =>
    onChange(isChosen ? [...chosen, id] : chosen.filter((each) => each !== id))
  return (
    <fieldset className="analytics-origins" aria-describedby="origins-error">
      <legend>Origins</legend>
      {failure !== null && (
        <p className="note bad">The nodes are not known: {messageOf(failure)}</p>
      )}
      {[...offered].map((id) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            onChange={({ target }) => toggle(id, target.checked)}
          />
          {id}
          {data && presences.get(id) !== 'present' && (
            <span className="hint"> {presences.get(id) ?? 'not known'}</span>
          )}
        </label>
      ))}
      <button
        type="button"
        className="quiet"
        onClick={() => onChange(present)}
        disabled={present.length === 0}
      >
        All that are present
      </button>
      <p className="hint">
        They take turns.{' '}
        {chosen.length === 0 && `None chosen: ${local ?? 'the node of this page'} sends.`}
      </p>
      <p className="error" id="origins-error" aria-live="polite">
        {error}
      </p>
    </fieldset>
  )
}
