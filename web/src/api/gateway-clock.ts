import { useSyncExternalStore } from 'react'

// Times in answers are the gateway's, and those of a browser may be wrong by hours. The header `date`
// of each answer tells of it: in whole seconds, made a moment before it is sent.
const toleranceMs = 1000
const listeners = new Set<() => void>()
let aheadMs = 0

/** A request that was sent and answered, by the clock of this browser. Unix milliseconds. */
interface Exchange {
  sentAt: number
  receivedAt: number
}

/** Hears of the header `date` of an answer. */
export function noteGatewayTime(date: string | null, exchange: Exchange): void {
  const next = correctedAheadMs(aheadMs, Date.parse(date ?? ''), exchange)
  if (next === aheadMs) return
  aheadMs = next
  for (const listener of listeners) listener()
}

/** How far the gateway's clock is ahead: as it was believed, as long as that may be. Milliseconds. */
export function correctedAheadMs(
  believedMs: number,
  toldAt: number,
  { sentAt, receivedAt }: Exchange,
): number {
  const [least, most] = [toldAt - receivedAt, toldAt + 1000 - sentAt]
  const isWrong = believedMs < least - toleranceMs || believedMs > most + toleranceMs
  return isWrong ? Math.round((least + most) / 2) : believedMs
}

/** Unix milliseconds, by the clock of the gateway. */
export function gatewayNow(): number {
  return Date.now() + aheadMs
}

function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** How far the gateway's clock is ahead of this browser's; exactly 0 where they agree. Milliseconds. */
export function useGatewayAheadMs(): number {
  return useSyncExternalStore(onChange, () => aheadMs)
}
