import { fromTimestamp, nowMicroseconds } from '@corroport/contracts'

/** A node's clock beside this process' one. Microseconds. */
export interface Comparison {
  /** By this process' clock. */
  at: number
  /** The node's clock less this one, true within the bound. */
  offsetUs: number
  boundUs: number
  roundTripUs: number
  /** Of which the one with the shortest round trip was taken. */
  probes: number
}

export type AskClock = () => Promise<{ heardAt: string; answeredAt: string }>

const probesPerBurst = 8

/**
 * Asks a node for its clock several times in a row; the quickest answer says most. Throws when none
 * came.
 */
export async function compareClocks(ask: AskClock, signal: AbortSignal): Promise<Comparison> {
  let best: Omit<Comparison, 'probes'> | undefined
  let probes = 0
  while (probes < probesPerBurst) {
    signal.throwIfAborted()
    let probe: Awaited<ReturnType<typeof probeOnce>>
    try {
      probe = await probeOnce(ask)
    } catch (error) {
      if (!best) throw error
      break // what was answered before it stands
    }
    probes += 1
    if (probe.roundTripUs >= 0 && !(best && best.roundTripUs <= probe.roundTripUs)) best = probe
  }
  if (!best) throw new Error('its clock was set while it was read')
  return { ...best, probes }
}

async function probeOnce(ask: AskClock) {
  const startedAt = performance.now()
  const askedAt = nowMicroseconds()
  const { heardAt, answeredAt } = await ask()
  // By the monotonic clock: this one may be set in between.
  const returnedAt = askedAt + (performance.now() - startedAt) * 1000
  return compare({
    askedAt,
    heardAt: fromTimestamp(heardAt) ?? Number.NaN,
    answeredAt: fromTimestamp(answeredAt) ?? Number.NaN,
    returnedAt,
  })
}

/** The four times of NTP (RFC 5905, section 8): the first and last of this clock, the others of the node's. */
export function compare(times: {
  askedAt: number
  heardAt: number
  answeredAt: number
  returnedAt: number
}): Omit<Comparison, 'probes'> {
  const { askedAt, heardAt, answeredAt, returnedAt } = times
  const roundTripUs = returnedAt - askedAt - (answeredAt - heardAt)
  return {
    at: Math.round((askedAt + returnedAt) / 2),
    offsetUs: (heardAt - askedAt + (answeredAt - returnedAt)) / 2,
    // The node's times come cut to whole microseconds.
    boundUs: roundTripUs / 2 + 1,
    roundTripUs,
  }
}
