import type { EdgeAnnounced, EdgeBackend, EdgeTable } from '@corroport/contracts'
import { formatAge } from '../../format/time.ts'

/** How near a candidate is, by its tier. */
export function tierText(tier: number): string {
  return ['country', 'region', 'region of the proxy', 'elsewhere'][tier] ?? `tier ${tier}`
}

export function tableText({ isLive, state, ageSeconds }: EdgeTable): string {
  if (isLive) return 'live'
  const age = ageSeconds === null ? 'never in step' : `${formatAge(ageSeconds * 1000)} old`
  return `${state}, ${age}`
}

/** `3 of 5 take connections, 1 left out, 2 rows set aside` */
export function backendsText(counts: EdgeAnnounced['backends']): string {
  const { routing, refused, setAside, leftOut } = counts
  return [
    `${routing} of ${routing + refused} take connections`,
    ...(leftOut > 0 ? [`${leftOut} left out`] : []),
    ...(setAside > 0 ? [`${setAside} rows set aside`] : []),
  ].join(', ')
}

export function listenerText({ app, host, port, tls }: EdgeAnnounced['listeners'][number]): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return `${app ?? 'any app'} at ${address}${tls === 'none' ? '' : `, TLS (${tls})`}`
}

export function leaseText({ lease_secs, owner }: EdgeBackend): string {
  if (lease_secs === null) return owner === null ? "operator's own" : 'none'
  if (lease_secs <= 0) return 'over'
  return `${formatAge(lease_secs * 1000)} left`
}

/** `0 of 150`; a limit of 0 is none. */
export function limitText(connections: number, limit: number): string {
  return limit === 0 ? String(connections) : `${connections} of ${limit}`
}
