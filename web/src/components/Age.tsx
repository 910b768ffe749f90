import { formatAge } from '../format/time.ts'
import { useNow } from './clock.ts'

interface AgeProps {
  /** When the figure came. Unix milliseconds. */
  at: number
  /** How old it was then. Milliseconds. */
  ageMs?: number | null
  /** From here on it is marked as stale. Milliseconds. */
  staleAfterMs?: number
}

/** How old a figure is; it counts on by itself, and says when that is too old. */
export function Age({ at, ageMs = 0, staleAfterMs = Infinity }: AgeProps) {
  const now = useNow()
  if (ageMs === null) return <span className="age">never seen</span>
  const age = ageMs + Math.max(0, now - at)
  const isStale = age > staleAfterMs
  return (
    <span
      className={isStale ? 'age stale' : 'age'}
      title={isStale ? 'older than it should be' : undefined}
    >
      {isStale ? 'stale, ' : ''}
      {formatAge(age)} ago
    </span>
  )
}
