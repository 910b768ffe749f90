import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { DataPanel } from '../../components/Panel.tsx'
import { ExperimentTable } from './ExperimentTable.tsx'
import { everyMs, experimentsQuery } from './queries.ts'

/** All experiments, the newest first, in pages. */
export function HistoryPanel({ onStart }: { onStart: () => void }) {
  const { before } = useSearch({ from: '/analytics' })
  const query = useQuery(experimentsQuery(before))
  return (
    <DataPanel
      title="Experiments"
      query={query}
      what="the experiments"
      everyMs={everyMs.list}
      actions={before !== undefined && <Link {...pageOf(undefined)}>Newest</Link>}
    >
      {({ experiments: rows, next }) => (
        <>
          <ExperimentTable
            rows={rows}
            empty={
              <>
                {before === undefined ? 'No experiment was run yet. ' : 'No older experiment. '}
                <button type="button" onClick={onStart}>
                  Start one
                </button>
              </>
            }
          />
          {next !== null && <Link {...pageOf(next)}>Older experiments</Link>}
        </>
      )}
    </DataPanel>
  )
}

function pageOf(before: string | undefined) {
  return {
    from: '/analytics',
    to: '/analytics',
    resetScroll: false,
    search: ({ before: _before, ...rest }: Record<string, unknown>) =>
      before === undefined ? rest : { ...rest, before },
  } as const
}
