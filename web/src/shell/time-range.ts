import { useNavigate, useSearch } from '@tanstack/react-router'
import { gatewayNow, useGatewayAheadMs } from '../api/gateway-clock.ts'
import { given, type RawSearch, readText } from '../search.ts'

/** `5m`, `2h`, `7d`: up to now; or two moments. The same for all pages. */
interface RangeSearch {
  range?: string
  from?: string
  to?: string
}

export const ranges = ['5m', '15m', '1h', '6h', '24h', '7d'] as const
export const defaultRange = '15m'
const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function readRange(raw: RawSearch): RangeSearch {
  const range = readText(raw.range, 10)
  const from = readMoment(raw.from)
  const to = readMoment(raw.to)
  if (from !== undefined && to !== undefined && from < to) return { from, to }
  return given({ range: range !== undefined && lengthOf(range) !== undefined ? range : undefined })
}

/** Milliseconds; undefined for what is no length of time, and for more than 28 days. */
export function lengthOf(range: string): number | undefined {
  const [, count, unit = ''] = /^([1-9]\d{0,3})([mhd])$/.exec(range) ?? []
  const length = Number(count) * (units[unit] ?? Number.NaN)
  return length <= 28 * 86_400_000 ? length : undefined
}

function readMoment(raw: unknown): string | undefined {
  const text = readText(raw, 40)
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

export interface TimeRange {
  /** `15m`; undefined when it is two moments. */
  range: string | undefined
  /** By the clock of the gateway, like the times of what is asked for. */
  since: () => string
  /** Undefined: now, whenever that is. */
  until: string | undefined
  lengthMs: number
  /** Differs where the figures may differ; for keys of queries. */
  key: string
}

export function useTimeRange(): TimeRange {
  const { range = defaultRange, from, to } = useSearch({ strict: false }) as RangeSearch
  const aheadMs = useGatewayAheadMs()
  if (from !== undefined && to !== undefined) {
    const lengthMs = Date.parse(to) - Date.parse(from)
    return { range: undefined, since: () => from, until: to, lengthMs, key: `${from}/${to}` }
  }
  const lengthMs = lengthOf(range) ?? 0
  const since = () => new Date(gatewayNow() - lengthMs).toISOString()
  // What was asked for before the gateway's clock was known is asked for again.
  const key = aheadMs === 0 ? range : `${range} ${aheadMs}`
  return { range, since, until: undefined, lengthMs, key }
}

/** Changes what stands behind the question mark, and keeps the rest. */
export function useSetRange(): (next: RangeSearch) => void {
  const navigate = useNavigate()
  return ({ range, from, to }) =>
    void navigate({
      to: '.',
      // What is not named is retained from page to page; undefined takes it away.
      search: (old) => ({ ...old, range, from, to }) as RangeSearch,
      replace: true,
    })
}
