/** How Corrosion's `query` prints a value. Numbers are raw JSON, which keeps all their digits. */
export function cellText(cell: unknown): string {
  if (cell === null) return ''
  if (typeof cell === 'string') return cell
  if (Array.isArray(cell)) {
    return `x'${Buffer.from(cell.map((byte) => Number(JSON.stringify(byte)))).toString('hex')}'`
  }
  return decimalText(JSON.stringify(cell))
}

/** A number as Rust displays it: the shortest digits that mean it, and never an exponent. */
export function decimalText(source: string): string {
  if (/^-?\d+$/.test(source)) return source
  const { sign, whole, fraction, exponent } = partsOf(String(Number(source)))
  const minus = sign || (source.startsWith('-') ? '-' : '')
  const digits = whole + fraction
  const point = whole.length + exponent
  if (point <= 0) return `${minus}0.${'0'.repeat(-point)}${digits}`
  const padded = digits.padEnd(point, '0')
  const decimals = padded.slice(point)
  return `${minus}${padded.slice(0, point)}${decimals && `.${decimals}`}`
}

function partsOf(text: string) {
  const match = /^(?<sign>-?)(?<whole>\d+)(?:\.(?<fraction>\d+))?(?:e(?<exponent>[+-]\d+))?$/.exec(
    text,
  )
  if (!match?.groups) throw new Error(`unreachable: the number ${text}`)
  const { sign = '', whole = '', fraction = '', exponent = '0' } = match.groups
  return { sign, whole, fraction, exponent: Number(exponent) }
}
