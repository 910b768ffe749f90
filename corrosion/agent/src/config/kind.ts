import { type Address, parseAddress } from '../gossip/address.ts'

/** What a setting may be. */
export interface Kind<T> {
  /** Follows "must be". */
  expected: string
  /** undefined when the value does not fit. */
  read(value: unknown): T | undefined
  /** An environment variable has only text; left out where text is not enough. */
  fromText?(text: string): unknown
  /** A wrong value is not shown. */
  isSecret?: boolean
}

export const text: Kind<string> = {
  expected: 'a text',
  read: (value) => (typeof value === 'string' ? value : undefined),
}

export const filledText: Kind<string> = {
  expected: 'a text that is not empty',
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
}

export const secret: Kind<string> = { ...filledText, isSecret: true }

export const flag: Kind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  fromText: (given) => ({ true: true, false: false })[given] ?? given,
}

export const address: Kind<Address> = {
  expected: 'ip:port or [ip]:port (a host name cannot stand here)',
  read: (value) => (typeof value === 'string' ? parseAddress(value) : undefined),
}

export const table: Kind<Readonly<Record<string, unknown>>> = {
  expected: 'a table',
  read: (value) => (isTable(value) ? value : undefined),
}

export const texts = list(text, 'a list of texts, which only the file can give')
export const addresses = oneOrMany(
  address,
  'one or a list of ip:port or [ip]:port (a host name cannot stand here)',
)
export const tables = oneOrMany(table, 'a table or a list of tables')

export function integer(from: number, to: number): Kind<number> {
  return {
    expected: `a whole number from ${from} to ${to}`,
    read: (value) => {
      if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
      return value >= from && value <= to ? value : undefined
    },
    fromText: numberFromText,
  }
}

export function number(from: number, to: number): Kind<number> {
  return {
    expected: `a number from ${from} to ${to}`,
    read: (value) =>
      typeof value === 'number' && value >= from && value <= to ? value : undefined,
    fromText: numberFromText,
  }
}

export function oneOf<const T extends string>(...choices: T[]): Kind<T> {
  return {
    expected: choices.map((choice) => `"${choice}"`).join(' or '),
    read: (value) => choices.find((choice) => choice === value),
  }
}

export function list<T>(item: Kind<T>, expected: string): Kind<T[]> {
  return {
    expected,
    read: (value) => {
      if (!Array.isArray(value)) return undefined
      const items = value.map((each) => item.read(each))
      return items.every((each) => each !== undefined) ? items : undefined
    },
  }
}

/** At least one. */
function oneOrMany<T>(item: Kind<T>, expected: string): Kind<T[]> {
  const many = list(item, expected)
  return {
    expected,
    read: (value) => {
      const items = many.read(Array.isArray(value) ? value : [value])
      return items?.length === 0 ? undefined : items
    },
  }
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberFromText(given: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given
}
