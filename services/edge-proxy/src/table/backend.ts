import { isIP } from 'node:net'
import { fromTimestamp } from '@corroport/contracts'
import type { Regions } from '../geo/regions.ts'
import type { AddressRules } from './address-rules.ts'

/** A row of `backends` that can be understood. */
export interface Backend {
  id: string
  app: string
  region: string
  country: string | undefined
  /** An address, or a host name. */
  host: string
  port: number
  isHealthy: boolean
  weight: number
  softLimit: number
  /** 0: unlimited. */
  hardLimit: number
  isDeleted: boolean
  isDraining: boolean
  /** Node that writes the row; undefined: an operator's own. */
  owner: string | undefined
  /** Milliseconds since the Unix epoch; undefined: the row does not say. */
  registeredAt: number | undefined
  updatedAt: number | undefined
  /** Undefined: it has no lease. */
  leaseUntil: number | undefined
}

export interface RowRules {
  regions: Regions
  addresses: AddressRules
}

/** What a row with only the guide's columns is taken for. */
export const usualBackend = { weight: 2, softLimit: 100, hardLimit: 150 } as const

const mostConnections = 1_000_000
const longestShown = 40
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const hostName =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i

/** Why a row is set aside: names the column and shows the value. */
class RowError extends Error {}

/**
 * Reads a row, which anyone with access to the database can have written. One that does not fit is
 * set aside with the first reason found; nothing is thrown.
 */
export function parseBackend(
  row: Readonly<Record<string, unknown>>,
  rules: RowRules,
): { backend: Backend } | { id: string; reason: string } {
  try {
    return { backend: read(row, rules) }
  } catch (error) {
    if (!(error instanceof RowError)) throw error
    return { id: shown(row.id), reason: error.message }
  }
}

function read(row: Readonly<Record<string, unknown>>, { regions, addresses }: RowRules): Backend {
  const fail = (column: string, wanted: string): never => {
    throw new RowError(`${column} is ${shown(row[column])}: ${wanted}`)
  }
  const text = (column: string): string => {
    const value = row[column]
    return typeof value === 'string' ? value : fail(column, 'it should be text')
  }
  const optionalText = (column: string): string | undefined =>
    row[column] === null || row[column] === undefined || row[column] === ''
      ? undefined
      : text(column)
  const whole = (column: string, least: number, most: number, usual?: number): number => {
    const value = row[column] ?? usual
    const isWhole = typeof value === 'number' && Number.isInteger(value)
    return isWhole && value >= least && value <= most
      ? value
      : fail(column, `it should be a whole number from ${least} to ${most}`)
  }
  const time = (column: string): number | undefined => {
    const value = optionalText(column)
    if (value === undefined) return undefined
    const microseconds = fromTimestamp(value)
    return microseconds === undefined
      ? fail(column, 'it should be a time such as 2026-01-02T03:04:05.000000Z')
      : microseconds / 1000
  }

  const id = text('id')
  if (!/^[!-~]{1,128}$/.test(id)) fail('id', 'it should be 1 to 128 visible characters')
  const app = text('app')
  if (!label.test(app)) fail('app', 'it should be 1 to 63 small letters, digits and -')
  const region = text('region').toLowerCase()
  if (!regions.names.includes(region)) fail('region', `known are ${regions.names.join(', ')}`)
  const country = optionalText('country')?.toUpperCase()
  if (country !== undefined && !regions.isCountry(country)) {
    fail('country', 'it should be two letters of ISO 3166-1, or empty')
  }
  const host = text('wg_ip')
  // What looks like numbers, and is no address, might be taken for one by whoever looks it up.
  const isName = hostName.test(host) && /[a-z]/i.test(host.split('.').at(-1) ?? '')
  const isHexNumber = /^0x[0-9a-f]*$/i.test(host.split('.').at(-1) ?? '')
  if (isIP(host) === 0 && (!isName || isHexNumber)) {
    fail('wg_ip', 'it should be an address or a host name')
  }
  const refusal = isIP(host) === 0 ? undefined : addresses.refuse(host)
  if (refusal !== undefined) throw new RowError(`wg_ip: ${refusal}`)

  return {
    id,
    app,
    region,
    country,
    host,
    port: whole('port', 1, 65_535),
    isHealthy: whole('healthy', 0, 1, 1) === 1,
    weight: whole('weight', 0, 255, usualBackend.weight),
    softLimit: whole('soft_limit', 0, mostConnections, usualBackend.softLimit),
    hardLimit: whole('hard_limit', 0, mostConnections, usualBackend.hardLimit),
    isDeleted: whole('deleted', 0, 1, 0) === 1,
    isDraining: whole('draining', 0, 1, 0) === 1,
    owner: optionalText('owner'),
    registeredAt: time('registered_at'),
    updatedAt: time('updated_at'),
    leaseUntil: time('lease_until'),
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'bigint') return String(value)
  const text =
    value instanceof Uint8Array ? `${value.length} bytes` : (JSON.stringify(value) ?? typeof value)
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}
