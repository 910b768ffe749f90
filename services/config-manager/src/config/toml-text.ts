import type { SettingValue } from '@corroport/contracts'

export function formatValue(value: Exclude<SettingValue, null>, isFloat = false): string {
  if (typeof value === 'string') return formatString(value)
  if (Array.isArray(value)) return `[${value.map(formatString).join(', ')}]`
  return isFloat && Number.isInteger(value) ? `${value}.0` : String(value)
}

// JSON's strings are TOML's too, but for DEL, which TOML wants escaped.
export function formatString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

/** Where the line break of this line begins. */
export function lineStop(text: string, at: number): number {
  const next = text.indexOf('\n', at)
  if (next === -1) return text.length
  return text[next - 1] === '\r' ? next - 1 : next
}

export function lineEnd(text: string): '\n' | '\r\n' {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}
