import type { SqlRow, SqlValue } from './store/sql-value.ts'

/** A cell as the agent writes it in JSON. */
export function valueText(value: SqlValue): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return realText(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return `[${value.join(',')}]`
}

export function rowText(row: SqlRow): string {
  let text = '['
  for (let index = 0; index < row.length; index++) {
    if (index > 0) text += ','
    text += valueText(row[index] ?? null)
  }
  return `${text}]`
}

/** As ryu prints a float: the shortest digits, always with a point or an exponent. */
export function realText(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const magnitude = Math.abs(value)
  // Within these JavaScript prints as ryu does, but for the point.
  if (magnitude >= 1e-5 && magnitude < 1e16) {
    return Number.isInteger(value) ? `${value}.0` : String(value)
  }
  return value.toExponential().replace('e+', 'e')
}
