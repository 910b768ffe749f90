import { useQuery } from '@tanstack/react-query'
import { nodesQuery } from '../../api/queries.ts'
import { toast } from '../../components/toasts.ts'
import { History } from './History.tsx'
import { remember } from './past-queries.ts'
import { namesOf, patienceMs } from './query-command.ts'
import { Results } from './Results.tsx'
import { Statement } from './Statement.tsx'
import type { QuerySearch } from './search.ts'
import { useDraft } from './useDraft.ts'
import { useRun } from './useRun.ts'
import './query.css'

/** SQL that only reads, of one agent, of all with what differs, or of analytics. */
export function QueryPage() {
  const [draft, change] = useDraft()
  const [run, ask, cancel] = useRun()
  const nodes = useQuery(nodesQuery)

  const countOf = ({ nodes: wanted }: QuerySearch): number => {
    if (wanted === undefined) return 1
    return wanted === 'all' ? (nodes.data?.nodes.length ?? 1000) : namesOf(wanted).length
  }
  const pick = (query: QuerySearch): void => {
    const before = draft
    change({ ...nothing, ...query })
    if (before.sql !== undefined && before.sql !== query.sql) {
      const putBack = () => change({ ...nothing, ...before })
      toast('info', 'A query of the history is in the editor', {
        label: 'Put mine back',
        run: putBack,
      })
    }
  }

  return (
    <>
      <h1>Query console</h1>
      {draft.run === 1 && draft.sql !== undefined && (
        <div className="note info">
          <p>This link brought a statement. Nothing was run yet: read it, then press Run.</p>
          <button type="button" onClick={() => change({ run: undefined })}>
            I have read it
          </button>
        </div>
      )}
      <Statement
        draft={draft}
        change={change}
        run={run}
        onRun={(query, asked) => {
          remember(query)
          change({ run: undefined })
          void ask({ ...asked, patienceMs: patienceMs(asked.request, countOf(query)) })
        }}
        onCancel={cancel}
      />
      <Results run={run} />
      <History onPick={pick} />
    </>
  )
}

/** So that what the picked query does not say is not kept of the one before. */
const nothing = {
  sql: undefined,
  params: undefined,
  source: undefined,
  nodes: undefined,
  key: undefined,
  rows: undefined,
  timeout: undefined,
}
