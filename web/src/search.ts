// What stands behind the question mark of an address. Whatever does not fit is left out, so that an
// address that somebody wrote by hand still opens its page.

export type RawSearch = Record<string, unknown>

export function readText(raw: unknown, most = 2000): string | undefined {
  if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw)
  return typeof raw === 'string' && raw !== '' && raw.length <= most ? raw : undefined
}

export function readChoice<const Value extends string>(
  raw: unknown,
  values: readonly Value[],
): Value | undefined {
  return values.find((value) => value === raw)
}

export function readWhole(raw: unknown, least: number, most: number): number | undefined {
  const number = typeof raw === 'string' ? Number(raw) : raw
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined
  return number >= least && number <= most ? number : undefined
}

/** An object without what is undefined: absent from the address too. */
export function given<T extends object>(search: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: NonNullable<T[Key]>
  }
}

/** A search without one of its parts. */
export function without<T extends object, Key extends string>(search: T, key: Key): Omit<T, Key> {
  return Object.fromEntries(Object.entries(search).filter(([name]) => name !== key)) as Omit<T, Key>
}
