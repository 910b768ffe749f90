import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { addressWords, readAddress } from '../balance/client-address.ts'
import { intAt } from '../balance/typed-arrays.ts'

/** Where backends may not be, since a row of the table would let its writer reach what is not his. */
export interface AddressRules {
  /** Why a backend may not have this literal address; undefined: it may. */
  refuse: (address: string) => string | undefined
}

const refused: readonly (readonly [what: string, address: string, prefix: number])[] = [
  ['the unspecified address', '0.0.0.0', 8],
  ['loopback', '127.0.0.0', 8],
  ['link-local, where clouds answer with credentials', '169.254.0.0', 16],
  ['the metadata service of a cloud', '100.100.100.200', 32],
  ['the metadata service of a cloud', '168.63.129.16', 32],
  ['multicast', '224.0.0.0', 4],
  ['reserved or broadcast', '240.0.0.0', 4],
  ['the unspecified address', '::', 128],
  ['loopback', '::1', 128],
  ['link-local', 'fe80::', 10],
  ['the metadata service of a cloud', 'fd00:ec2::254', 128],
  ['multicast', 'ff00::', 8],
]
/** `allowed`: CIDRs, or single addresses, that may be used although they are in the list. */
export function createAddressRules(allowed: readonly string[]): AddressRules {
  const allowing = new BlockList()
  for (const text of allowed) addCidr(allowing, text)
  const lists = refused.map(([what, address, prefix]) => ({ what, list: listOf(address, prefix) }))

  const refuse = (address: string): string | undefined => {
    if (isIP(address) === 0) return `${address} is no address`
    const carried = carriedBy(address)
    if (carried !== undefined) return refuse(carried)
    if (allowing.check(address, familyOf(address))) return undefined
    const found = lists.find(({ list }) => list.check(address, familyOf(address)))
    return found && `${address} is ${found.what}: refused unless EDGEPROXY_ALLOWED_BACKENDS has it`
  }
  return { refuse }
}

function addCidr(list: BlockList, text: string): void {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const most = isIPv6(address) ? 128 : 32
  const bits = prefix === undefined ? most : Number(prefix)
  const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix)
  if (isIP(address) === 0 || rest.length > 0 || !isPrefix || bits > most) {
    throw new Error(`${text} is no network such as 127.0.0.0/8 or fd00::/8`)
  }
  list.addSubnet(address, bits, familyOf(address))
}

function listOf(address: string, prefix: number): BlockList {
  const list = new BlockList()
  list.addSubnet(address, prefix, familyOf(address))
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}

/** The IPv4 address that an IPv6 one stands for: mapped, compatible, of NAT64 or of 6to4. */
function carriedBy(address: string): string | undefined {
  if (isIPv4(address)) return undefined
  const words = new Int32Array(addressWords)
  readAddress(address, words)
  const [first, second, third, last] = [0, 1, 2, 3].map((index) => intAt(words, index) >>> 0)
  if (first === undefined || second === undefined || last === undefined) return undefined
  if (first >>> 16 === sixToFour) return textOf(((first << 16) | (second >>> 16)) >>> 0)
  const isNat64 = first === nat64 && second === 0 && third === 0
  const isMapped = first === 0 && second === 0 && third === 0xff_ff
  const isCompatible = first === 0 && second === 0 && third === 0 && last > 1
  return isNat64 || isMapped || isCompatible ? textOf(last) : undefined
}

const sixToFour = 0x20_02
const nat64 = 0x00_64_ff_9b

function textOf(ipv4: number): string {
  return [ipv4 >>> 24, (ipv4 >>> 16) & 255, (ipv4 >>> 8) & 255, ipv4 & 255].join('.')
}
