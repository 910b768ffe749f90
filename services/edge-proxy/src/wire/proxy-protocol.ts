import { SocketAddress } from 'node:net'
import { addressWords, readAddress } from '../balance/client-address.ts'

export interface Endpoint {
  /** Of IPv4 or IPv6, as Node writes it. */
  address: string
  port: number
}

export type ProxyHeader =
  | { state: 'more' }
  | { state: 'done'; length: number; source?: Endpoint; destination?: Endpoint }
  | { state: 'bad'; reason: string }

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const fixedBytes = 16
const mostFurtherBytes = 4096
const tlvHeadBytes = 3

const Command = { local: 0x20, proxy: 0x21 } as const
const Family = { unspecified: 0, ipv4: 1, ipv6: 2, unix: 3 } as const
const Transport = { unspecified: 0, stream: 1, datagram: 2 } as const

/** Of both addresses, their ports with them; by family. */
const addressBlockBytes: readonly number[] = [0, 12, 36, 216]

/**
 * Reads the header of the PROXY protocol, version 2, from the first bytes of a connection: `more` until
 * all of it is there, at most 4112 bytes. `length`: where what the client sent begins. There are
 * endpoints of TCP only; without them those of the connection itself hold.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const started = Math.min(header.length, signature.length)
  if (header.compare(signature, 0, started, 0, started) !== 0) {
    return bad('no header of the PROXY protocol, version 2')
  }
  if (header.length < fixedBytes) return { state: 'more' }
  const command = header.readUInt8(12)
  if (command !== Command.local && command !== Command.proxy) {
    return bad(`version and command ${hex(command)} of the PROXY protocol are unknown`)
  }
  const furtherBytes = header.readUInt16BE(14)
  if (furtherBytes > mostFurtherBytes) {
    return bad(`a PROXY header of ${fixedBytes + furtherBytes} bytes is too long`)
  }
  const length = fixedBytes + furtherBytes
  if (header.length < length) return { state: 'more' }
  // What a LOCAL header says of addresses is to be ignored, whatever it is.
  if (command === Command.local) return { state: 'done', length }

  const kind = header.readUInt8(13)
  const family = kind >> 4
  const transport = kind & 0x0f
  const blockBytes = addressBlockBytes[family]
  if (blockBytes === undefined || transport > Transport.datagram) {
    return bad(`address family and transport ${hex(kind)} of the PROXY protocol are unknown`)
  }
  if (family === Family.unspecified || transport === Transport.unspecified) {
    return { state: 'done', length }
  }
  const tlvs = header.subarray(fixedBytes + blockBytes, length)
  if (furtherBytes < blockBytes || !areTlvsWhole(tlvs)) {
    return bad(`${furtherBytes} bytes do not hold what the PROXY header announces`)
  }
  if (family === Family.unix || transport !== Transport.stream) return { state: 'done', length }
  return { state: 'done', length, ...endpointsOf(header.subarray(fixedBytes), family) }
}

/**
 * Addresses of two families are both written as IPv6, the IPv4 one mapped into it. Without two usable
 * endpoints the header says LOCAL: the connection is this proxy's own.
 */
export function writeProxyHeader(source: Endpoint, destination: Endpoint): Buffer {
  const from = new Int32Array(addressWords)
  const to = new Int32Array(addressWords)
  const areKnown =
    readAddress(source.address, from) &&
    readAddress(destination.address, to) &&
    isPort(source.port) &&
    isPort(destination.port)
  if (!areKnown) return headerOf(Command.local, Family.unspecified, Transport.unspecified)

  const isIpv4 = isMapped(from) && isMapped(to)
  const family = isIpv4 ? Family.ipv4 : Family.ipv6
  const header = headerOf(Command.proxy, family, Transport.stream)
  let at = fixedBytes
  for (const words of [from, to]) {
    for (const word of isIpv4 ? words.subarray(3) : words) at = header.writeInt32BE(word, at)
  }
  at = header.writeUInt16BE(source.port, at)
  header.writeUInt16BE(destination.port, at)
  return header
}

function headerOf(command: number, family: number, transport: number): Buffer {
  const blockBytes = addressBlockBytes[family] ?? 0
  const header = Buffer.alloc(fixedBytes + blockBytes)
  signature.copy(header)
  header.writeUInt8(command, 12)
  header.writeUInt8((family << 4) | transport, 13)
  header.writeUInt16BE(blockBytes, 14)
  return header
}

function areTlvsWhole(tlvs: Buffer): boolean {
  let at = 0
  while (at + tlvHeadBytes <= tlvs.length) at += tlvHeadBytes + tlvs.readUInt16BE(at + 1)
  return at === tlvs.length
}

function endpointsOf(block: Buffer, family: number): { source: Endpoint; destination: Endpoint } {
  const addressBytes = family === Family.ipv4 ? 4 : 16
  const endpointAt = (place: number): Endpoint => ({
    address: addressOf(block.subarray(place * addressBytes, (place + 1) * addressBytes)),
    port: block.readUInt16BE(2 * addressBytes + 2 * place),
  })
  return { source: endpointAt(0), destination: endpointAt(1) }
}

function addressOf(address: Buffer): string {
  if (address.length === 4) return address.join('.')
  const groups = Array.from({ length: 8 }, (_, group) => address.readUInt16BE(group * 2))
  if (groups.findIndex((group) => group !== 0) === 5 && groups[5] === 0xff_ff) {
    return address.subarray(12).join('.')
  }
  const text = groups.map((group) => group.toString(16)).join(':')
  return new SocketAddress({ address: text, family: 'ipv6' }).address
}

function isMapped(words: Int32Array): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xff_ff
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 0xff_ff
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function bad(reason: string): { state: 'bad'; reason: string } {
  return { state: 'bad', reason }
}
