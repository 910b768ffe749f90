import { createSocket, type RemoteInfo } from 'node:dgram'

import type { Log } from '../log.ts'
import { type Address, formatAddress } from './address.ts'
import type { Once } from './once.ts'

// A reserved version (RFC 9000, 15): every QUIC server answers with the versions that it speaks.
const reservedVersion = 0x1a2a3a4a
const initialBytes = 1200
const advice =
  'development agents and real Corrosion agents cannot form one cluster: start all nodes with the same kind'

/** Notices real Corrosion agents, which speak QUIC over UDP on the gossip port. */
export interface QuicNotice {
  /** Nothing listens there over TCP: perhaps a real agent does over UDP. Asked once. */
  ask(address: Address): void
  close(): void
}

export function startQuicNotice(
  address: Address,
  { once, log }: { once: Once; log: Log },
): QuicNotice {
  const socket = createSocket(address.host.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', (error) => {
    log.warn('real agents cannot be noticed on the gossip port', { error })
  })
  socket.on('message', (packet, from) => notice(packet, from))
  socket.bind({ address: address.host, port: address.port })

  function notice(packet: Buffer, { address: host, port }: RemoteInfo): void {
    const isLongHeader = packet.length >= 7 && (packet.readUInt8() & 0x80) !== 0
    if (!isLongHeader) return
    if (packet.readUInt32BE(1) !== 0) {
      if (!once.isFirst(`quic from ${host}`)) return
      log.warn('a real Corrosion agent knocks on the gossip port', { peer: host, advice })
    } else if (once.isFirst(`quic at ${host}:${port}`)) {
      const peer = formatAddress({ host, port })
      log.warn('the bootstrap address is that of a real Corrosion agent', { peer, advice })
    }
  }

  return {
    ask(peer) {
      if (!once.isFirst(`ask ${formatAddress(peer)}`)) return
      const packet = Buffer.alloc(initialBytes)
      packet.writeUInt8(0xc0)
      packet.writeUInt32BE(reservedVersion, 1)
      // Two connection ids of eight bytes each, with their lengths before them.
      packet.writeUInt8(8, 5)
      packet.writeUInt8(8, 14)
      // Nothing may be there at all; then the packet is lost, or comes back as an ICMP error.
      socket.send(packet, peer.port, peer.host, () => {})
    },
    close() {
      socket.close()
    },
  }
}
