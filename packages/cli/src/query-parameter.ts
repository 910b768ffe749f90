import type { Cell, PresetParameter, QueryPreset } from '@corroport/contracts'
import { Failure } from './failure.ts'

/** Values by name, as the `--param name=value` of a command gave them. */
export type GivenParameters = Readonly<Record<string, string>>

/** A number, `null`, or a text in double quotes, as in JSON; anything else is itself a text. */
export function toCell(text: string): Cell {
  if (text === 'null') return null
  if (/^-?\d{1,19}$/.test(text)) {
    const number = Number(text)
    return Number.isSafeInteger(number) ? number : { $integer: text }
  }
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return Number(text)
  return /^"[^]*"$/.test(text) ? unquoted(text) : text
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    // No text of JSON, so the quotes are meant as they are.
    return text
  }
}

/** What is not given has its default. Unknown names are the gateway's to refuse, who reads the SQL. */
export function parametersOf(
  preset: QueryPreset | undefined,
  given: GivenParameters,
): Record<string, Cell> {
  const cells = Object.entries(given).map(([name, text]) => [name, toCell(text)] as const)
  const expected = (preset?.parameters ?? []).map(
    (parameter) => [parameter.name, valueOf(parameter, given[parameter.name])] as const,
  )
  return Object.fromEntries([...cells, ...expected])
}

function valueOf(parameter: PresetParameter, given: string | undefined): Cell {
  const { name, description, type } = parameter
  const wrong = (why: string) => new Failure(`--param ${name}=… ${why}`, { exit: 'usage' })
  if (given === undefined) {
    if (parameter.default === null) throw wrong(`is missing: ${description}`)
    return parameter.default
  }
  if (type === 'text') return given
  if (!/^\d{1,15}$/.test(given) || Number(given) < parameter.min) {
    throw wrong(`must be a whole number, at least ${parameter.min}`)
  }
  return Number(given)
}
