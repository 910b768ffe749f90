import type { ReactNode } from 'react'
import { Age } from './Age.tsx'
import { ErrorNote } from './Notice.tsx'

/** Of a query, as far as it is shown. */
interface Asked<Data> {
  data: Data | undefined
  error: Error | null
  refetch: () => Promise<unknown>
}

interface AnswerProps<Data> {
  query: Asked<Data>
  /** For errors: "the members". */
  what: string
  /** Where more is to be said than that it is loading. */
  loading?: ReactNode
  children: (data: Data) => ReactNode
}

/** What was asked of the gateway: loading, failed or there. A failure leaves what there was. */
export function Answer<Data>(props: AnswerProps<Data>) {
  const { query, what, loading = `Loading ${what} …`, children } = props
  const { data, error, refetch } = query
  return (
    <>
      {error !== null && <ErrorNote error={error} what={what} onRetry={() => void refetch()} />}
      {data === undefined && error === null && (
        <p className="loading" aria-busy="true">
          {loading}
        </p>
      )}
      {data !== undefined && children(data)}
    </>
  )
}

interface AnswerAgeProps {
  query: { dataUpdatedAt: number; isPlaceholderData: boolean }
  /** How often it is asked again; three times as long makes it stale. Milliseconds. */
  everyMs?: number | undefined
}

export function AnswerAge({ query, everyMs = Infinity }: AnswerAgeProps) {
  // The answer to what was asked before has no time of its own.
  if (query.isPlaceholderData) return <span className="age">as before, loading …</span>
  return <Age at={query.dataUpdatedAt} staleAfterMs={3 * everyMs} />
}
