import type { QueryParameters, QuerySource } from './query.ts'

/** A parameter where a statement uses it. */
export interface ParameterUse {
  /** Undefined: it has a position only, `?`, `?1` or `$1`. */
  name: string | undefined
  start: number
  end: number
}

// Comments and quoted things come first, so that nothing within them is taken for a parameter.
const patterns = {
  corrosion:
    /--[^\n]*|\/\*[^]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[:@$](?<name>(?:::|[\w$\u0080-\uffff])+)|(?<position>\?\d*)|[\w$\u0080-\uffff]+|[^]/gy,
  analytics:
    /--[^\r\n]*|(?<comment>\/\*)|[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?<tag>(?:[a-zA-Z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[^]*?(?:\$\k<tag>\$|$)|::|:(?<name>[a-zA-Z_]\w*)|(?<position>\$\d+)|[\w\u0080-\uffff][\w$\u0080-\uffff]*|[^]/gy,
} satisfies Record<QuerySource, RegExp>

/**
 * The parameters of a statement, in order. In SQL of Postgres a slice with a name in it needs a blank,
 * `a[1 : n]`: without it `:n` is a parameter.
 */
export function findParameters(sql: string, source: QuerySource): ParameterUse[] {
  const pattern = new RegExp(patterns[source])
  const uses: ParameterUse[] = []
  for (let found = pattern.exec(sql); found; found = pattern.exec(sql)) {
    const { groups: { name, position, comment } = {}, index: start } = found
    if (comment !== undefined) pattern.lastIndex = endOfComment(sql, start)
    else if (name !== undefined || position !== undefined) {
      uses.push({ name, start, end: pattern.lastIndex })
    }
  }
  return uses
}

/** Comments of Postgres nest. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  let depth = 0
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return sql.length
}

/** The names that a statement uses, once each, without their prefix. */
export function parameterNames(sql: string, source: QuerySource): string[] {
  return [...new Set(findParameters(sql, source).flatMap(({ name }) => name ?? []))]
}

/** What is wrong with the values that are given for a statement; a list is the engine's to judge. */
export function parameterProblems(
  sql: string,
  source: QuerySource,
  params: QueryParameters,
): string[] {
  const uses = findParameters(sql, source)
  const names = new Set(uses.flatMap(({ name }) => name ?? []))
  if (Array.isArray(params)) {
    return source === 'analytics' && names.size > 0
      ? [`:${[...names].join(', :')} need values by name, not a list`]
      : []
  }
  const given = Object.keys(params)
  const missing = [...names].filter((name) => !Object.hasOwn(params, name))
  const unknown = given.filter((name) => !names.has(name))
  return [
    ...missing.map((name) => `parameter ${name} has no value`),
    ...unknown.map((name) => `parameter ${name} is not in the statement`),
    ...(given.length > 0 && uses.some(({ name }) => name === undefined)
      ? ['a parameter without a name needs its value from a list']
      : []),
  ]
}
