import type { ReactNode } from 'react'
import { messageOf } from '../api/errors.ts'

/** Nothing there yet; says what would put something there. */
export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>
}

interface ErrorNoteProps {
  error: unknown
  /** What could not be had: "the members". */
  what: string
  onRetry?: () => void
}

export function ErrorNote({ error, what, onRetry }: ErrorNoteProps) {
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>Could not load {what}:</strong> {messageOf(error)}
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}
