import { encodeParameter, type Parameter } from './values.ts'

/**
 * One SQL statement, alone or with bound parameters: positional (`?`, `?1`), or named, where the
 * names keep their prefix (`{ ':id': 1 }`).
 */
export type Statement =
  | string
  | readonly [sql: string, params: readonly Parameter[]]
  | readonly [sql: string, named: Readonly<Record<string, Parameter>>]

export function sqlOf(statement: Statement): string {
  return typeof statement === 'string' ? statement : statement[0]
}

/** The statement as the agent reads it; see `stringifyJson` for the bigints in it. */
export function encodeStatement(statement: Statement): unknown {
  if (typeof statement === 'string') return statement
  const [sql, params] = statement
  if (isPositional(params)) return [sql, params.map(encodeParameter)]
  const named = Object.entries(params).map(([name, value]) => [name, encodeParameter(value)])
  return [sql, Object.fromEntries(named)]
}

// Array.isArray does not narrow a readonly array.
function isPositional(
  params: readonly Parameter[] | Readonly<Record<string, Parameter>>,
): params is readonly Parameter[] {
  return Array.isArray(params)
}
