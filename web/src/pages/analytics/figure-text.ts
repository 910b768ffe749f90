import { type Distribution, samplesNeeded } from '@corroport/contracts'

/** `4.21 ms`, `123 ms`, `1.5 s`, `12 min`: as many digits as the commands print. */
export function msText(ms: number | null): string {
  if (ms === null) return '–'
  const size = Math.abs(ms)
  if (size < 99.995) return `${ms.toFixed(2)} ms`
  if (size < 999.5) return `${ms.toFixed(0)} ms`
  if (size < 119_950) return `${(ms / 1000).toFixed(1)} s`
  if (size < 7_170_000) return `${(ms / 60_000).toFixed(0)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

/** `1.25 s`, of the time since an experiment began. */
export function secondsText(seconds: number): string {
  return `${Number(seconds.toFixed(3))} s`
}

/** Why there is none stands in the place of a percentile that its samples do not support. */
export function percentileText(
  of: Pick<Distribution, 'n' | 'p50_ms' | 'p95_ms' | 'p99_ms'>,
  name: 'p50' | 'p95' | 'p99',
): string {
  const ms = of[`${name}_ms`]
  if (ms !== null) return msText(ms)
  const needed = samplesNeeded[name]
  return of.n > 0 && of.n < needed ? `– (needs ${needed})` : '–'
}

/** `± 0.41 ms` */
export function boundText(ms: number | null): string {
  return ms === null ? 'not known' : `± ${msText(ms)}`
}

/** `95.12 %`; a share that is not quite everything is never rounded to everything. */
export function shareText(share: number): string {
  const text = `${(share * 100).toFixed(2)} %`
  if (share < 1 && text === '100.00 %') return '> 99.99 %'
  if (share > 0 && text === '0.00 %') return '< 0.01 %'
  return text
}

/** What has not come is lost only when nothing more is waited for. */
export function lostTitle(isFinal: boolean): string {
  return isFinal ? 'Lost' : 'Missing so far'
}

/** With its sign, for differences. */
export function signed(value: number, format: (value: number) => string): string {
  return `${value < 0 ? '−' : '+'}${format(Math.abs(value))}`
}
