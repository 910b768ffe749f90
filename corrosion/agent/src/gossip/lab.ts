import type { HybridClock } from '../clock.ts'

/** What bends the frames that this agent sends on one link. Delay and jitter are one way. */
export interface LinkSettings {
  delayMs: number
  /** Up to this much more, at random; the order of frames is kept. */
  jitterMs: number
  /** 0 to 1. Pushes and probes are lost; what must arrive is sent again, which takes time. */
  loss: number
  bandwidthKbps: number | null
  /** Nothing goes, and nothing connects outward. */
  isCut: boolean
}

export interface LabSettings {
  clockOffsetMs: number
  everyLink: LinkSettings
  /** By the peer's gossip address, host:port; each may set less than all. */
  links: ReadonlyMap<string, Partial<LinkSettings>>
}

export type LabChange =
  | { link: string | null; settings: Partial<LinkSettings> }
  | { clockOffsetMs: number }
  /** Back to the settings of the start. */
  | 'reset'

export interface Lab {
  of(address: string): LinkSettings
  state(): LabSettings
  change(change: LabChange): void
}

export const unbentLink: LinkSettings = {
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  bandwidthKbps: null,
  isCut: false,
}

export const unbent: LabSettings = { clockOffsetMs: 0, everyLink: unbentLink, links: new Map() }

export function createLab(start: LabSettings, clock: HybridClock, changed: () => void): Lab {
  let { everyLink, links } = start
  clock.setOffset(start.clockOffsetMs)
  return {
    of: (address) => ({ ...everyLink, ...links.get(address) }),
    state: () => ({ clockOffsetMs: clock.offsetMs, everyLink, links }),
    change(change) {
      if (change === 'reset') {
        everyLink = start.everyLink
        links = start.links
        clock.setOffset(start.clockOffsetMs)
      } else if ('clockOffsetMs' in change) {
        clock.setOffset(change.clockOffsetMs)
      } else {
        if (change.link === null) everyLink = { ...everyLink, ...change.settings }
        else {
          const settings = { ...links.get(change.link), ...change.settings }
          links = new Map([...links, [change.link, settings]])
        }
      }
      changed()
    },
  }
}
