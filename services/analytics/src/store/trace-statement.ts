import { startSpan } from '@corroport/bus'
import type { LogEvent } from 'kysely'

// Others could hold a secret, as those that make a role do.
const shownForm = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i
const longestText = 1000

/** A statement that has run, as a part of what it ran for. */
export function traceStatement(event: LogEvent): void {
  const { sql } = event.query
  const operation = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? 'statement'
  const span = startSpan({
    name: operation,
    kind: 'client',
    startedAt: Date.now() - event.queryDurationMillis,
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      ...(shownForm.test(sql) && { 'db.query.text': sql.slice(0, longestText) }),
    },
  })
  span?.end(event.level === 'error' ? event.error : undefined)
}
