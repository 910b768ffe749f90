import type { Static } from 'typebox'
import type { Distribution, MessageCounts, TransportFigures } from './statistics.ts'

/** So many samples are needed for a percentile to say something. */
export const samplesNeeded = { p50: 1, p95: 20, p99: 100 } as const

/** What each figure of an experiment means, in the words of a person who asks. */
export const measures = {
  'round trip': 'sent until an acknowledgement was back, by the clock of the origin alone',
  'from intended': 'the same from the time that the plan names, so that a late sender shows',
  'first ack': 'until one receiver had acknowledged',
  'all acks': 'until every receiver had; of messages that all acknowledged',
  'one way': 'sent until seen at the receiver; needs both clocks, hence the bound',
  write: 'until the agent (or NATS) had taken it',
  'sender delay': 'sent less intended',
} as const
export type Measure = keyof typeof measures

export function distributionsOf(figures: TransportFigures): [Measure, Distribution][] {
  return [
    ['round trip', figures.round_trip],
    ['from intended', figures.round_trip_from_intended],
    ['first ack', figures.first_ack],
    ['all acks', figures.all_acks],
    ['one way', figures.one_way],
    ['write', figures.write],
    ['sender delay', figures.sender_delay],
  ]
}

const z = 1.959964 // of a normal distribution, 95 % two-sided

/** 95 % interval of the delivery rate after Wilson, as if each acknowledgement had its own fate. */
export function deliveryInterval({
  expected_acks: n,
  lost,
}: Pick<Static<typeof MessageCounts>, 'expected_acks' | 'lost'>): [number, number] | undefined {
  if (n === 0) return undefined
  const rate = (n - lost) / n
  const centre = (rate + z ** 2 / (2 * n)) / (1 + z ** 2 / n)
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2))
  // Rounding would leave 0.9999999 where nothing was lost.
  return [lost === n ? 0 : Math.max(0, centre - half), lost === 0 ? 1 : centre + half]
}
