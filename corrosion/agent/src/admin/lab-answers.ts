import { isTable, type Kind } from '../config/kind.ts'
import { clockOffset, readLink } from '../config/lab-settings.ts'
import { formatAddress, parseAddress } from '../gossip/address.ts'
import type { LinkSettings } from '../gossip/lab.ts'
import { type Answer, RefusedError } from './admin-agent.ts'

export const showLab: Answer = function* ({ gossip }) {
  const { clockOffsetMs, everyLink, links } = gossip.lab()
  yield {
    Json: {
      clock_offset_ms: clockOffsetMs,
      every_link: showLink(everyLink),
      links: Object.fromEntries([...links].map(([peer, link]) => [peer, showLink(link)])),
    },
  }
}

export const resetLab: Answer = ({ gossip }) => {
  gossip.setLab('reset')
  return []
}

/** `peer` is one link's, null is all of them; only what is given is changed. */
export function setLink(request: unknown): Answer {
  return ({ gossip }) => {
    const { peer = null, ...settings } = asTable(request)
    const unlimits = settings.bandwidth_kbps === null
    if (unlimits) delete settings.bandwidth_kbps
    const asked = new Set<string>()
    const link = readLink((name, kind) => {
      asked.add(name)
      return take(settings, name, kind)
    })
    const unknown = Object.keys(settings).find((name) => !asked.has(name))
    if (unknown !== undefined) throw new RefusedError(`${unknown} is no setting of a link`)
    gossip.setLab({
      link: peer === null ? null : peerAddress(peer),
      settings: { ...link, ...(unlimits && { bandwidthKbps: null }) },
    })
    return []
  }
}

export function setClock(request: unknown): Answer {
  return ({ gossip }) => {
    const offsetMs = take(asTable(request), 'offset_ms', clockOffset)
    if (offsetMs === undefined) throw new RefusedError('offset_ms is missing')
    gossip.setLab({ clockOffsetMs: offsetMs })
    return []
  }
}

function take<T>(request: Record<string, unknown>, name: string, kind: Kind<T>): T | undefined {
  if (!Object.hasOwn(request, name)) return undefined
  const value = kind.read(request[name])
  if (value === undefined) throw new RefusedError(`${name} must be ${kind.expected}`)
  return value
}

function asTable(request: unknown): Record<string, unknown> {
  if (!isTable(request)) throw new RefusedError('settings are missing')
  return { ...request }
}

function peerAddress(peer: unknown): string {
  const address = typeof peer === 'string' ? parseAddress(peer) : undefined
  if (!address) throw new RefusedError('peer must be the gossip address of a peer, ip:port')
  return formatAddress(address)
}

function showLink(link: Partial<LinkSettings>): Record<string, unknown> {
  return {
    delay_ms: link.delayMs,
    jitter_ms: link.jitterMs,
    loss: link.loss,
    bandwidth_kbps: link.bandwidthKbps,
    cut: link.isCut,
  }
}
