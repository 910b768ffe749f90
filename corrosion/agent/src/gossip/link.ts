import { connect, type Socket } from 'node:net'

import { createFrameSplitter, encodeFrame } from '../frames.ts'
import { type Address, formatAddress } from './address.ts'
import {
  type Answer,
  createSealer,
  decodeAnswer,
  deriveKeys,
  encodeHello,
  type Hello,
  helloLimit,
  isEqual,
  type Refusal,
} from './handshake.ts'
import type { LinkSettings } from './lab.ts'
import { createLane, type Lane, type Parcel } from './lane.ts'
import type { Identity } from './member-record.ts'

/** A frame that had to arrive did not: the connection broke or could not be made. */
export class LinkLostError extends Error {
  override name = 'LinkLostError'
}

export type LinkFailure = 'refused' | 'unreachable' | 'lost' | Refusal

export interface LinkOptions {
  peer: Address
  settings: () => LinkSettings
  hello: () => Hello
  secret: string | undefined
  connectMs: number
  redialMs: number
  opened: (identity: Identity) => void
  failed: (failure: LinkFailure) => void
  /** Too many pushes wait: the oldest was dropped. */
  overflowed: () => void
}

/** Everything that this agent sends to one address. It connects when there is something to send. */
export interface Link {
  /** For what may be lost: probes and members go past what else waits; pushes wait for bandwidth. */
  tell(payload: Uint8Array, kind: 'datagram' | 'push'): void
  /** For what must arrive. Resolves when there is room for more; throws `LinkLostError`. */
  deliver(payload: Uint8Array, signal: AbortSignal): Promise<void>
  rebend(): void
  /** Resolves when nothing waits any more, or nothing will go. */
  drained(): Promise<void>
  close(): void
  readonly isOpen: boolean
}

const maxDatagramBytes = 1024 * 1024
const maxPushBytes = 8 * 1024 * 1024
const windowBytes = 512 * 1024

interface Waiter {
  resolve: () => void
  reject: (error: Error) => void
}

export function createLink(options: LinkOptions): Link {
  const { peer, settings, hello, secret, connectMs, redialMs, opened, failed, overflowed } = options
  const laneOptions = {
    settings,
    left: () => wake(),
    nowMs: () => performance.now(),
    random: Math.random,
  }
  const datagrams = createLane({
    ...laneOptions,
    hasBandwidth: false,
    maxLossyBytes: maxDatagramBytes,
    overflowed() {},
  })
  const stream = createLane({
    ...laneOptions,
    hasBandwidth: true,
    maxLossyBytes: maxPushBytes,
    overflowed,
  })
  let socket: Socket | undefined
  let seal: ((payload: Uint8Array) => Uint8Array) | undefined
  let openedAtMs = 0
  let redialAtMs = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let waiters: Waiter[] = []

  /** Lets those look again who wait for room, for an end, or for an error. */
  function wake(error?: Error): void {
    const woken = waiters
    waiters = []
    for (const { resolve, reject } of woken)
      if (error) reject(error)
      else resolve()
  }

  function changed(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { resolve, reject }
    waiters.push(waiter)
    const abort = () => {
      waiters = waiters.filter((one) => one !== waiter)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    return promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  function forget(): void {
    socket = undefined
    seal = undefined
    clearTimeout(timer)
    datagrams.clear()
    stream.clear()
    wake(new LinkLostError(`the link to ${formatAddress(peer)} was lost`))
  }

  function lose(lost: Socket | undefined, failure: LinkFailure): void {
    if (lost === undefined || lost !== socket) return
    forget()
    lost.destroy()
    // Where there was a lasting connection a moment ago, the next attempt is not made to wait.
    const hasLasted = failure === 'lost' && performance.now() - openedAtMs > redialMs
    redialAtMs = hasLasted ? 0 : performance.now() + redialMs
    failed(failure)
  }

  /** False when it is too soon to try again, or there is no way out. */
  function isDialled(isUrgent: boolean): boolean {
    if (socket !== undefined) return true
    if (isClosed || settings().isCut) return false
    if (!isUrgent && performance.now() < redialAtMs) return false
    const dialled = connect({ ...peer, noDelay: true })
    socket = dialled
    const ourHello = encodeHello(hello())
    const splitter = createFrameSplitter(() => helloLimit)
    let failure: LinkFailure = 'unreachable'
    timer = setTimeout(() => lose(dialled, failure), connectMs)
    dialled.on('connect', () => dialled.write(encodeFrame(ourHello)))
    dialled.on('error', (error: NodeJS.ErrnoException) => {
      lose(dialled, error.code === 'ECONNREFUSED' ? 'refused' : failure)
    })
    dialled.on('close', () => lose(dialled, failure))
    dialled.on('drain', pump)
    dialled.on('data', (chunk: Buffer) => {
      if (dialled !== socket) return
      try {
        for (const payload of splitter.push(chunk)) {
          // The other agent only answers: a second frame is nothing that it would send.
          if (seal !== undefined) throw new RangeError('a frame on the way back')
          const refusal = settle(dialled, ourHello, decodeAnswer(payload))
          if (refusal !== undefined) return lose(dialled, refusal)
          failure = 'lost'
        }
      } catch {
        // Whatever listens there is no development agent.
        lose(dialled, failure)
      }
    })
    return true
  }

  function settle(dialled: Socket, ourHello: Buffer, answer: Answer): Refusal | undefined {
    if ('refusal' in answer) return answer.refusal
    const ours = hello()
    if (answer.hello.identity.clusterId !== ours.identity.clusterId) return 'the cluster ids differ'
    if (secret !== undefined && !answer.hello.isProtected) {
      return 'this agent has a cluster secret, the other has none'
    }
    const keys = secret === undefined ? undefined : deriveKeys(secret, ourHello, answer.bytes)
    // A wrong proof is sent too: so the other agent knows what is wrong, and says so in its log.
    if (keys !== undefined) dialled.write(encodeFrame(keys.openingProof))
    if (keys !== undefined && !isEqual(answer.proof, keys.answerProof)) {
      return 'the cluster secrets differ'
    }
    seal = createSealer(keys?.frames)
    openedAtMs = performance.now()
    opened(answer.hello.identity)
    pump()
    return undefined
  }

  function pump(): void {
    // Until the connection is open, the timer is its deadline.
    if (socket === undefined || seal === undefined) return
    clearTimeout(timer)
    socket.cork()
    for (const lane of [datagrams, stream]) send(socket, seal, lane)
    socket.uncork()
    const waits = [datagrams.waitMs(), stream.waitMs()].filter((wait) => wait !== undefined)
    // A full socket calls again when it has drained.
    if (waits.length > 0 && !socket.writableNeedDrain) {
      timer = setTimeout(pump, Math.ceil(Math.min(...waits)))
    }
  }

  function send(to: Socket, sealed: (payload: Uint8Array) => Uint8Array, lane: Lane): void {
    while (!to.writableNeedDrain) {
      const parcel = lane.take()
      if (parcel === undefined) return
      to.write(encodeFrame(sealed(parcel.payload)))
    }
  }

  function put(lane: Lane, parcel: Parcel): boolean {
    if (!isDialled(parcel.isReliable)) return false
    lane.put(parcel)
    pump()
    return true
  }

  return {
    tell(payload, kind) {
      put(kind === 'datagram' ? datagrams : stream, { payload, isReliable: false })
    },

    async deliver(payload, signal) {
      signal.throwIfAborted()
      if (!put(stream, { payload, isReliable: true })) {
        throw new LinkLostError(`there is no link to ${formatAddress(peer)}`)
      }
      while (stream.reliableBytes > windowBytes) await changed(signal)
    },

    rebend() {
      datagrams.rebend()
      stream.rebend()
      if (settings().isCut && seal === undefined) lose(socket, 'unreachable')
      redialAtMs = 0
      pump()
    },

    async drained() {
      while (!(datagrams.isEmpty && stream.isEmpty) && !settings().isCut) await changed()
    },

    close() {
      isClosed = true
      const last = socket
      forget()
      // What is written already still goes out: the last word of an agent that leaves.
      last?.end()
      last?.setTimeout(connectMs, () => last.destroy())
    },

    get isOpen() {
      return seal !== undefined
    },
  }
}
