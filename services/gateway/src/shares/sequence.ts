import type { ShareOrder, Transport } from '@corroport/contracts'

/** Of the slots of an experiment, the one that this origin sends in a round of its own. */
export function slotOf({ origin, origins }: ShareOrder, round: number): number {
  return round * origins + origin
}

/** How many rounds this origin has. Zero of an order that goes on until it is stopped. */
export function roundsOf({ slots, origin, origins }: ShareOrder): number {
  return Math.max(0, Math.ceil((slots - origin) / origins))
}

/** Milliseconds after the start at which a round is due. */
export function dueMs(order: ShareOrder, round: number): number {
  return slotOf(order, round) * order.intervalMs
}

/**
 * Two transports go in blocks of four rounds, ABBA or BAAB as the seed decides: each pair has both, and
 * a drift of the network within a block falls on both alike. What is left at the end, where not every
 * origin has a pair, goes slot by slot, so that each transport has its count.
 */
export function transportOf(order: ShareOrder, round: number): Transport {
  const [first, second] = order.transports
  if (first === undefined) throw new Error('unreachable: an order without a transport')
  if (second === undefined) return first
  const rest = order.slots % (2 * order.origins)
  const placeInRest = slotOf(order, round) - (order.slots - rest)
  if (order.slots > 0 && placeInRest >= 0) return placeInRest % 2 === 0 ? first : second
  const place = round % 4
  const isOuter = place === 0 || place === 3
  const isMirrored = mix(mix(order.seed, order.origin), Math.floor(round / 4)) % 2 === 1
  return isOuter === isMirrored ? second : first
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz012345'

/** Exactly `payloadBytes` of ASCII: what it is, as far as that fits, then letters of the seed. */
export function contentOf(order: ShareOrder, slot: number): string {
  const { experimentId, payloadBytes, seed } = order
  let content = `${experimentId}/${slot} `
  let state = mix(seed, slot)
  while (content.length < payloadBytes) {
    state = mix(state, content.length)
    for (let shift = 0; shift < 30; shift += 5) content += alphabet[(state >>> shift) & 31]
  }
  return content.slice(0, payloadBytes)
}

/** 32 bits of two numbers; the same everywhere and always. The last step is of MurmurHash3. */
function mix(a: number, b: number): number {
  let mixed = Math.imul(a ^ Math.imul(b + 1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
