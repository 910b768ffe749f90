import { formatAddress, parseAddress } from '../gossip/address.ts'
import { type LabSettings, type LinkSettings, unbentLink } from '../gossip/lab.ts'
import { flag, type Kind, number } from './kind.ts'
import type { Section } from './settings.ts'

const milliseconds = number(0, 600_000)
const share = number(0, 1)
const bandwidth = number(1, 1_000_000_000)
export const clockOffset = number(-1e12, 1e12)

/** `[lab]`: the network and the clock of this agent as they are at the start. */
export function readLabSettings(lab: Section): LabSettings {
  const links = lab.section('links')
  return {
    clockOffsetMs: lab.read('clock_offset_ms', clockOffset) ?? 0,
    everyLink: { ...unbentLink, ...readLink(lab.read) },
    links: new Map(
      links.names().map((peer) => {
        const address = parseAddress(peer)
        if (!address) links.refuse(peer, 'must be named by the gossip address of the peer, ip:port')
        return [address ? formatAddress(address) : peer, readLink(links.section(peer).read)]
      }),
    ),
  }
}

/** The names are those of the TOML file and of the admin socket alike. */
export function readLink(
  read: <T>(name: string, kind: Kind<T>) => T | undefined,
): Partial<LinkSettings> {
  const delayMs = read('delay_ms', milliseconds)
  const jitterMs = read('jitter_ms', milliseconds)
  const loss = read('loss', share)
  const bandwidthKbps = read('bandwidth_kbps', bandwidth)
  const isCut = read('cut', flag)
  return {
    ...(delayMs !== undefined && { delayMs }),
    ...(jitterMs !== undefined && { jitterMs }),
    ...(loss !== undefined && { loss }),
    ...(bandwidthKbps !== undefined && { bandwidthKbps }),
    ...(isCut !== undefined && { isCut }),
  }
}
