import { Panel } from '../../components/Panel.tsx'
import { Time } from '../../components/Time.tsx'
import { toast } from '../../components/toasts.ts'
import { setHistory, useHistory } from './past-queries.ts'
import type { QuerySearch } from './search.ts'

/** What was run from this browser. */
export function History({ onPick }: { onPick: (query: QuerySearch) => void }) {
  const history = useHistory()
  const clear = (): void => {
    setHistory([])
    toast('info', 'The history is empty', { label: 'Put back', run: () => setHistory(history) })
  }
  return (
    <Panel
      title="History"
      aside="of this browser, without what was answered"
      actions={
        history.length > 0 && (
          <button type="button" className="quiet" onClick={clear}>
            Clear
          </button>
        )
      }
    >
      {history.length === 0 ? (
        <p className="empty">A statement that is run is kept here, the last 50.</p>
      ) : (
        <ol className="query-history">
          {history.map(({ query, at }) => (
            <li key={`${at} ${query.sql}`}>
              <button type="button" className="quiet" onClick={() => onPick(query)}>
                <code>{query.sql}</code>
              </button>
              <span className="aside">
                {query.source ?? query.nodes ?? 'one node'}, <Time at={at} withDate />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}
