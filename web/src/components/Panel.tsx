import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useId } from 'react'
import { Answer, AnswerAge } from './Answer.tsx'

interface PanelProps {
  title: ReactNode
  actions?: ReactNode
  aside?: ReactNode
  children: ReactNode
  className?: string
}

/** A part of a page with a heading of its own. */
export function Panel({ title, actions, aside, children, className = '' }: PanelProps) {
  const id = useId()
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <span className="aside">{aside}</span>}
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {children}
    </section>
  )
}

interface DataPanelProps<Data> extends Omit<PanelProps, 'children' | 'aside'> {
  query: UseQueryResult<Data>
  /** For errors: "the members". */
  what: string
  /** How often it is asked again; three times as long makes it stale. Milliseconds. */
  everyMs?: number
  children: (data: Data) => ReactNode
}

/** A panel over what was asked of the gateway: loading, failed, old or there, and how old. */
export function DataPanel<Data>({
  query,
  what,
  everyMs,
  children,
  actions,
  ...panel
}: DataPanelProps<Data>) {
  const { data, isFetching, refetch } = query
  return (
    <Panel
      {...panel}
      aside={data === undefined ? undefined : <AnswerAge query={query} everyMs={everyMs} />}
      actions={
        <>
          {actions}
          <button
            type="button"
            className="quiet"
            onClick={() => void refetch()}
            aria-busy={isFetching}
            aria-label={`Refresh ${what}`}
            title="Refresh"
          >
            ↻
          </button>
        </>
      }
    >
      <Answer query={query} what={what}>
        {children}
      </Answer>
    </Panel>
  )
}
