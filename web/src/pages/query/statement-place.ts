/** Characters of a statement, from and up to. */
export interface Span {
  from: number
  to: number
}

/**
 * Where an engine found the error that its message tells, as far as it says so:
 * `near "fro": syntax error, line 1, column 10`. `before` is the length of what was put in front.
 */
export function placeOfError(message: string, sql: string, before = 0): Span | undefined {
  const [, line, column] = /, line (\d+), column (\d+)\b/.exec(message) ?? []
  if (line === undefined || column === undefined) return undefined
  const lines = sql.split('\n')
  const index = Number(line) - 1
  const start = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0)
  const from = start + Number(column) - 1 - (index === 0 ? before : 0)
  if (from < 0 || from > sql.length) return undefined
  const [word = ''] = /^(\w+|\S|$)/.exec(sql.slice(from)) ?? []
  return { from, to: from + word.length }
}
