import { type QueryKey, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { formatAge } from '../format/time.ts'
import { Age } from './Age.tsx'
import { useNow } from './clock.ts'
import { Empty, ErrorNote } from './Notice.tsx'
import { Panel } from './Panel.tsx'

interface AskedPanelProps<Data> {
  title: string
  /** For errors: "the comparison". */
  what: string
  /** The word on the button. */
  action: string
  queryKey: QueryKey
  queryFn: () => Promise<Data>
  /** What it does and costs, before it was asked for. */
  notYet: ReactNode
  /** What is done meanwhile, and how long that may take. */
  meanwhile: ReactNode
  hint?: ReactNode
  children: (data: Data) => ReactNode
}

const keptMs = 3_600_000
const staleAfterMs = 60_000

/** What costs too much to be asked for by itself: a person asks, and its age is beside it. */
export function AskedPanel<Data>(props: AskedPanelProps<Data>) {
  const { title, what, action, queryKey, queryFn, notYet, meanwhile, hint, children } = props
  const { data, error, dataUpdatedAt, isFetching, refetch } = useQuery({
    queryKey,
    queryFn,
    enabled: false,
    retry: false,
    gcTime: keptMs,
  })
  const ask = () => void refetch()
  return (
    <Panel
      title={title}
      aside={
        data === undefined ? undefined : <Age at={dataUpdatedAt} staleAfterMs={staleAfterMs} />
      }
      actions={
        <button type="button" disabled={isFetching} aria-busy={isFetching} onClick={ask}>
          {action}
        </button>
      }
    >
      {isFetching && <Waiting>{meanwhile}</Waiting>}
      {error !== null && !isFetching && <ErrorNote error={error} what={what} onRetry={ask} />}
      {data === undefined && error === null && !isFetching && <Empty>{notYet}</Empty>}
      {data !== undefined && children(data)}
      {hint !== undefined && <p className="hint">{hint}</p>}
    </Panel>
  )
}

function Waiting({ children }: { children: ReactNode }) {
  const [since] = useState(() => Date.now())
  const now = useNow()
  return (
    <p className="loading" aria-busy="true">
      {children} For {formatAge(now - since)} now.
    </p>
  )
}
