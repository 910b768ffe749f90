import { useNavigate, useSearch } from '@tanstack/react-router'
import { given, type RawSearch, readText } from '../search.ts'

/** `5m`, `2h`, `7d`: up to now; or two moments. The same for all pages. */
export interface RangeSearch {
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
  since: () => string
  /** Undefined: now, whenever that is. */
  until: string | undefined
  lengthMs: number
  /** Differs where the figures may differ; for keys of queries. */
  key: string
}

export function useTimeRange(): TimeRange {
  const { range = defaultRange, from, to } = useSearch({ strict: false }) as RangeSearch
  if (from !== undefined && to !== undefined) {
    const lengthMs = Date.parse(to) - Date.parse(from)
    return { range: undefined, since: () => from, until: to, lengthMs, key: `${from}/${to}` }
  }
  const lengthMs = lengthOf(range) ?? 0
  const since = () => new Date(Date.now() - lengthMs).toISOString()
  return { range, since, until: undefined, lengthMs, key: range }
}

/** Changes what stands behind the question mark, and keeps the rest. */
export function useSetRange(): (next: RangeSearch) => void {
  const navigate = useNavigate()
  return ({ range, from, to }) =>
    void navigate({
      to: '.',
      search: ({ range: _range, from: _from, to: _to, ...rest }) => ({
        ...rest,
        ...given({ range, from, to }),
      }),
      replace: true,
    })
}
