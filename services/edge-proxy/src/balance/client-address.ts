import { isIPv4, isIPv6 } from 'node:net'

/** 128 bits, an IPv4 address as the IPv6 address that it is mapped to. */
export const addressWords = 4

/** Writes the address as four words. False, and all zero, when it is none. */
export function readAddress(text: string, into: Int32Array): boolean {
  into.fill(0)
  if (isIPv4(text)) {
    into[2] = 0xff_ff
    into[3] = ipv4Word(text)
    return true
  }
  if (!isIPv6(text)) return false
  const [address = ''] = text.split('%')
  const [head = '', tail] = address.split('::')
  const groups = groupsOf(head)
  if (tail !== undefined) {
    const last = groupsOf(tail)
    groups.push(...Array.from({ length: 8 - groups.length - last.length }, () => 0), ...last)
  }
  for (let word = 0; word < addressWords; word += 1) {
    into[word] = ((groups[word * 2] ?? 0) << 16) | (groups[word * 2 + 1] ?? 0)
  }
  return true
}

/** Spreads addresses over a table; not negative. */
export function hashOf(address: Int32Array, seed: number): number {
  let hash = seed | 0
  for (const word of address) {
    hash = Math.imul(hash ^ word, 0x85_eb_ca_6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}

function ipv4Word(text: string): number {
  let word = 0
  for (const part of text.split('.')) word = (word << 8) | Number(part)
  return word
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const word = ipv4Word(group)
    return [word >>> 16, word & 0xff_ff]
  })
}
