import { type Cell, findParameters, type QueryParameters } from '@corroport/contracts'

/** The statement with `$1` … in place of names, and the values in this order, as texts. */
export function numberParameters(
  sql: string,
  params: QueryParameters,
): { text: string; values: (string | null)[] } {
  if (Array.isArray(params)) return { text: sql, values: params.map(toText) }
  const names: string[] = []
  let text = ''
  let copied = 0
  for (const { name, start, end } of findParameters(sql, 'analytics')) {
    if (name === undefined) continue
    if (!names.includes(name)) names.push(name)
    text += `${sql.slice(copied, start)}$${names.indexOf(name) + 1}`
    copied = end
  }
  const values = names.map((name) =>
    toText(Object.hasOwn(params, name) ? (params[name] ?? null) : null),
  )
  return { text: text + sql.slice(copied), values }
}

/** Postgres finds the type of each by its place. */
function toText(cell: Cell): string | null {
  if (cell === null) return null
  if (typeof cell !== 'object') return String(cell)
  return '$integer' in cell
    ? cell.$integer
    : `\\x${Buffer.from(cell.$blob, 'base64').toString('hex')}`
}
