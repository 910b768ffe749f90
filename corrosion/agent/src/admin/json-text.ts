declare global {
  // In the engine, but not in TypeScript's library yet.
  interface JSON {
    rawJSON(text: string): unknown
    isRawJSON(value: unknown): boolean
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown
  }
}

/** As serde_json writes a `Value`: keys in order, integers of any size, `0.0` for a `float`. */
export function toJsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, inOrder, indent)
}

/** A number that is one with a fraction, even where that is zero. */
export function float(value: number): unknown {
  return JSON.rawJSON(Number.isInteger(value) ? value.toFixed(1) : String(value))
}

/** Every number stays the text that it was, so that printing it again changes nothing. */
export function parseKeepingNumbers(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value,
  )
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return JSON.rawJSON(String(value))
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value) || JSON.isRawJSON(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
