import { toUuid } from '../uuid.ts'
import { type Answer, RefusedError } from './admin-agent.ts'
import { float } from './json-text.ts'

/** In the order of their ids. */
export const subscriptions: Answer = function* ({ streams }) {
  const all = streams.list().toSorted((a, b) => (a.id < b.id ? -1 : 1))
  yield {
    Json: all.map(({ hash, id, sql, msPerSecondCost }) => ({
      hash,
      id,
      ms_per_sec_cost: float(msPerSecondCost),
      sql: onOneLine(sql),
    })),
  }
}

/** The hash counts when both are given. */
export function subscription(hash: string | null, id: string | null): Answer {
  return function* ({ streams }) {
    if (hash === null && id === null) {
      throw new RefusedError('specify hash or id for subscription')
    }
    const found = streams.info(hash === null ? { id: toUuid(id ?? '') } : { hash })
    if (found === undefined) throw new RefusedError('unknown subscription hash or id')
    const { ms_per_sec_cost: cost, original_query: sql } = found
    yield { Json: { ...found, ms_per_sec_cost: float(cost), original_query: onOneLine(sql) } }
  }
}

function onOneLine(sql: string): string {
  return sql
    .split(/\r?\n/)
    .map((line) => line.trim())
    .join(' ')
}
