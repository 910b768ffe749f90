import { tokenize } from './sql-tokens.ts'
import type { SqlValue } from './sql-value.ts'
import type { Statement } from './statement.ts'

/** The parameters of a statement, as SQLite numbers them. */
export interface Parameters {
  /** Highest number. */
  count: number
  /** By number - 1; undefined for `?` and `?1`. */
  names: readonly (string | undefined)[]
}

/** What a prepared statement of node:sqlite is run with. */
export interface Arguments {
  named: Record<string, SqlValue>
  positional: SqlValue[]
}

export function parametersOf(sql: string): Parameters {
  const names: (string | undefined)[] = []
  let count = 0
  for (const { text } of tokenize(sql)) {
    if (text === '?') count++
    else if (/^\?\d/.test(text)) count = Math.max(count, Number(text.slice(1)))
    else if (/^[:@$#]./.test(text) && !names.includes(text)) {
      names[count] = text
      count++
    }
  }
  return { count, names }
}

/** Throws what rusqlite says of parameters that do not fit. */
export function argumentsOf({ count, names }: Parameters, params: Statement['params']): Arguments {
  if (!isList(params)) {
    const unknown = Object.keys(params).find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`Invalid parameter name: ${unknown}`)
    return { named: { ...params }, positional: [] }
  }
  if (params.length !== count) {
    throw new Error(
      // It stops counting at the first that is too many.
      `Wrong number of parameters passed to query. Got ${Math.min(params.length, count + 1)}, needed ${count}`,
    )
  }
  const named = params.map((value, index): [string | undefined, SqlValue] => [names[index], value])
  return {
    named: Object.fromEntries(named.filter(([name]) => name !== undefined)),
    positional: params.filter((_, index) => names[index] === undefined),
  }
}

function isList(params: Statement['params']): params is readonly SqlValue[] {
  return Array.isArray(params)
}
