import type { ErrorComponentProps } from '@tanstack/react-router'
import { messageOf } from '../api/errors.ts'

/** A page that broke; the others still work. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <div className="note bad" role="alert">
      <h1>This page broke</h1>
      <p>{messageOf(error)}</p>
      <p>
        If the gateway was just updated, loading the page anew helps. What was typed elsewhere is
        not lost.
      </p>
      <button type="button" onClick={reset}>
        Try again
      </button>
      <button type="button" onClick={() => location.reload()}>
        Load anew
      </button>
    </div>
  )
}
