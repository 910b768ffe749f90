declare global {
  // In the engine, but not in TypeScript's library yet.
  interface JSON {
    rawJSON(text: string): unknown
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown
  }
}

// A number in JSON follows a bracket, a comma, a colon or a space. The same inside of a string only
// costs the slower parse.
const longInteger = /(?:^|[[,:\s])-?\d{16}/

/**
 * Parses JSON; integers that a number cannot hold become bigint. `1.0` and `1e16` are numbers.
 * The reviver that sees the source makes a parse five times slower, so only text with a long run of
 * digits goes through it.
 */
export function parseJson(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

/** `JSON.stringify` that writes bigints as plain integers. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? JSON.rawJSON(item.toString()) : item,
  )
}
