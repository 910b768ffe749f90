import { createServer, type Server, type Socket } from 'node:net'

import { createFrameSplitter, encodeFrame, FrameError } from '../frames.ts'
import type { Log } from '../log.ts'
import { type Address, formatAddress } from './address.ts'
import {
  createUnsealer,
  decodeHello,
  deriveKeys,
  encodeAnswer,
  encodeHello,
  type Hello,
  helloLimit,
  isEqual,
  type Refusal,
} from './handshake.ts'
import type { Identity } from './member-record.ts'
import { decodeMessage, type Message } from './message.ts'
import type { Once } from './once.ts'

/** Corrosion's own limit of a frame. */
const frameLimit = 100 * 1024 * 1024
const handshakeMs = 5_000
const maxConnections = 1_000

export interface DoorOptions {
  address: Address
  hello: () => Hello
  secret: string | undefined
  once: Once
  log: Log
  /** Another agent has connected. */
  entered: (identity: Identity) => void
  /** May throw RangeError on a message that no development agent would send. */
  received: (from: string, message: Message) => void
  /** The connection of an agent has ended: what was under way on it is lost. */
  gone: (actorId: string) => void
  refused: (peer: string, refusal: Refusal) => void
}

/** Listens on the gossip port. Nothing that comes in is believed before it is parsed. */
export interface Door {
  address: Address
  /** Stops reading, so that the senders feel it. */
  pause(): void
  resume(): void
  /** It is connected to this agent. */
  has(actorId: string): boolean
  /** Ends the connections of agents that are no longer wanted. */
  dismissAll(): void
  close(): Promise<void>
}

export async function openDoor(options: DoorOptions): Promise<Door> {
  const sockets = new Set<Socket>()
  const byActor = new Map<string, Socket>()
  let isPaused = false
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    if (isPaused) socket.pause()
    receive(socket, byActor, options)
    socket.on('close', () => sockets.delete(socket))
  })
  server.maxConnections = maxConnections
  await listen(server, options.address)
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.address.port
  const dismissAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: { host: options.address.host, port },
    pause() {
      isPaused = true
      for (const socket of sockets) socket.pause()
    },
    resume() {
      isPaused = false
      for (const socket of sockets) socket.resume()
    },
    has: (actorId) => byActor.has(actorId),
    dismissAll,
    close() {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      dismissAll()
      return promise
    },
  }
}

function receive(socket: Socket, byActor: Map<string, Socket>, options: DoorOptions): void {
  const { log, once } = options
  const remote = formatAddress({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 })
  let hasSpoken = false
  let isSettled = false
  let proof: { expected: Buffer; identity: Identity } | undefined
  let identity: Identity | undefined
  let unseal = createUnsealer(undefined)
  const splitter = createFrameSplitter(() => (identity === undefined ? helloLimit : frameLimit))

  function admit(admitted: Identity): void {
    identity = admitted
    clearTimeout(deadline)
    const older = byActor.get(admitted.actorId)
    byActor.set(admitted.actorId, socket)
    older?.destroy()
    if (older !== undefined) options.gone(admitted.actorId)
    options.entered(admitted)
  }

  function refuse(peer: string, refusal: Refusal, told: Refusal): void {
    isSettled = true
    options.refused(peer, refusal)
    socket.end(encodeFrame(encodeAnswer({ refusal: told })))
  }

  function greet(bytes: Buffer): void {
    const theirs = decodeHello(bytes)
    const ours = options.hello()
    const { address: peer, clusterId } = theirs.identity
    if (clusterId !== ours.identity.clusterId) {
      return refuse(peer, 'the cluster ids differ', 'the cluster ids differ')
    }
    const lacks = 'this agent has a cluster secret, the other has none'
    const isLacking = 'the other agent has a cluster secret, this one has none'
    if (ours.isProtected && !theirs.isProtected) return refuse(peer, lacks, isLacking)
    if (!ours.isProtected && theirs.isProtected) return refuse(peer, isLacking, lacks)
    const answer = encodeHello(ours)
    const keys =
      options.secret === undefined ? undefined : deriveKeys(options.secret, bytes, answer)
    socket.write(
      encodeFrame(encodeAnswer({ bytes: answer, proof: keys?.answerProof ?? Buffer.alloc(0) })),
    )
    unseal = createUnsealer(keys?.frames)
    if (keys === undefined) admit(theirs.identity)
    else proof = { expected: keys.openingProof, identity: theirs.identity }
  }

  function handle(payload: Buffer): void {
    if (identity !== undefined) {
      options.received(identity.actorId, decodeMessage(unseal(payload)))
    } else if (proof === undefined) {
      greet(payload)
    } else if (isEqual(payload, proof.expected)) {
      admit(proof.identity)
    } else {
      isSettled = true
      options.refused(proof.identity.address, 'the cluster secrets differ')
      socket.destroy()
    }
  }

  function turnAway(reason: string): void {
    isSettled = true
    if (once.isFirst(`away ${socket.remoteAddress} ${reason}`)) {
      log.warn('a connection to the gossip port was closed', {
        peer: identity?.address ?? remote,
        reason,
      })
    }
    socket.destroy()
  }

  const deadline = setTimeout(() => socket.destroy(), handshakeMs)
  // A broken connection ends in 'close', which says all there is to do.
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    hasSpoken = true
    try {
      for (const payload of splitter.push(chunk)) {
        if (socket.destroyed || socket.writableEnded) return
        handle(payload)
      }
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof FrameError)) throw error
      turnAway(identity === undefined ? 'not a development agent' : error.message)
    }
  })
  socket.on('close', () => {
    clearTimeout(deadline)
    // A port scan connects and says nothing: that is not worth a line.
    if (identity === undefined && hasSpoken && !isSettled) turnAway('not a development agent')
    if (identity === undefined || byActor.get(identity.actorId) !== socket) return
    byActor.delete(identity.actorId)
    options.gone(identity.actorId)
  })
}

function listen(server: Server, { host, port }: Address): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}
