import { asNumber, asObject, type JsonObject } from './decode.ts'

/** What bends what an agent sends on a link. Delay and jitter are one way. */
export interface LinkSettings {
  delayMs: number
  /** Up to this much more, at random. */
  jitterMs: number
  /** 0 to 1. */
  loss: number
  /** null is no limit. */
  bandwidthKbps: number | null
  isCut: boolean
}

/** The laboratory of one development agent. */
export interface LabState {
  clockOffsetMs: number
  everyLink: LinkSettings
  /** By the peer's gossip address; what one does not set is that of every link. */
  links: Map<string, Partial<LinkSettings>>
}

export function encodeLink(settings: Partial<LinkSettings>): JsonObject {
  const { delayMs, jitterMs, loss, bandwidthKbps, isCut } = settings
  // What is undefined is not written.
  return { delay_ms: delayMs, jitter_ms: jitterMs, loss, bandwidth_kbps: bandwidthKbps, cut: isCut }
}

export function decodeLab(value: unknown): LabState {
  const lab = asObject(value, 'laboratory')
  const links = Object.entries(asObject(lab.links, 'links'))
  return {
    clockOffsetMs: asNumber(lab.clock_offset_ms, 'clock_offset_ms'),
    everyLink: {
      delayMs: 0,
      jitterMs: 0,
      loss: 0,
      bandwidthKbps: null,
      isCut: false,
      ...decodeLink(lab.every_link),
    },
    links: new Map(links.map(([peer, link]) => [peer, decodeLink(link)])),
  }
}

/** Only what is set. */
function decodeLink(value: unknown): Partial<LinkSettings> {
  const { delay_ms, jitter_ms, loss, bandwidth_kbps, cut } = asObject(value, 'link')
  return {
    ...(delay_ms !== undefined && { delayMs: asNumber(delay_ms, 'delay_ms') }),
    ...(jitter_ms !== undefined && { jitterMs: asNumber(jitter_ms, 'jitter_ms') }),
    ...(loss !== undefined && { loss: asNumber(loss, 'loss') }),
    ...(bandwidth_kbps !== undefined && {
      bandwidthKbps: bandwidth_kbps === null ? null : asNumber(bandwidth_kbps, 'bandwidth_kbps'),
    }),
    ...(cut !== undefined && { isCut: cut === true }),
  }
}
