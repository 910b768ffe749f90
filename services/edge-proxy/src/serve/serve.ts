import type { Socket } from 'node:net'
import { addressWords, readAddress } from '../balance/client-address.ts'
import type { ClientCounts } from '../balance/client-counts.ts'
import { breakOff } from './break-off.ts'
import type { Counters, Total } from './counters.ts'
import type { Refused } from './decision.ts'
import { type HeadState, readHead } from './read-head.ts'
import { type Ending, type Relay, relay } from './relay.ts'
import type { Caller, Route } from './router.ts'

/** A way in: what is read of a connection before it is routed, and for whom. */
export interface Entrance {
  /** Undefined: the server name of its TLS tells. */
  app: string | undefined
  /** It begins with a header of the PROXY protocol, which names the client. */
  hasProxyHeader: boolean
  tls: 'none' | 'terminate' | 'pass'
}

export interface ServeDeps {
  clients: ClientCounts
  counters: Counters
  route: Route
  /** Interns the names; undefined when there is no such app. */
  callerOf: (client: string, words: Int32Array, app: string) => Caller | undefined
  /** Of a listener that has none. */
  appOf: (serverName: string | undefined) => string | undefined
  readProxyHeader: (bytes: Buffer) => HeadState<{ address: string; port: number } | undefined>
  readServerName: (bytes: Buffer) => HeadState<string | undefined>
  /** Speaks TLS with a client; calls back with what it may read in clear, and whom it asked for. */
  terminate: (
    socket: Socket,
    onDone: (
      outcome: { socket: Socket; serverName: string | undefined } | { reason: string },
    ) => void,
  ) => void
  /** Of a header of the PROXY protocol or of TLS. */
  headTimeoutMs: number
  /** 0: for ever. */
  idleMs: number
  /** What a backend is told before the first byte of the client. */
  writeProxyHeader: ((client: Client, local: Client) => Buffer) | undefined
  /** A side of a connection is over: there may be none left. */
  onEnded: () => void
}

export interface Client {
  address: string
  port: number
}

/** The connections of a thread, from accept to their end. */
export interface Serving {
  take(socket: Socket, entrance: Entrance): void
  readonly open: number
  /** Breaks off all that are left. */
  cutOff(): void
  /** Adds to the counters what those that are open have carried since, and keeps them alive. */
  lookAtOpen(): void
}

const refusals: Readonly<Record<Refused, Total>> = {
  'no-backend': 'refusedNoBackend',
  unreachable: 'refusedUnreachable',
  here: 'refusedHere',
}
const endings: Readonly<Record<Exclude<Ending, 'done'>, Total>> = {
  client: 'brokenByClient',
  backend: 'brokenByBackend',
  idle: 'idle',
  'cut-off': 'cutOff',
}

/** After so long in silence the other side is asked whether it is still there. */
const keepAliveMs = 30_000

interface Open {
  slot: number
  client: Socket
  backend: Socket
  relay: Relay
  isKeptAlive: boolean
  countedSent: number
  countedReceived: number
}

export function createServing(deps: ServeDeps): Serving {
  const { clients, counters, route } = deps
  const carrying = new Set<Open>()
  const waiting = new Set<Socket>()

  const countBytesOf = (open: Open): void => {
    const { bytesWritten: sent, bytesRead: received } = open.backend
    counters.countOf(open.slot, 'bytesSent', sent - open.countedSent)
    counters.countOf(open.slot, 'bytesReceived', received - open.countedReceived)
    open.countedSent = sent
    open.countedReceived = received
  }

  return {
    take(socket, entrance) {
      counters.count('accepted')
      if (!clients.admit()) {
        counters.count('refusedFull')
        socket.on('error', ignore)
        breakOff(socket)
        return
      }
      const words = new Int32Array(addressWords)
      let hasEntered = false
      waiting.add(socket)
      // Until it is carried nobody else looks at its errors.
      socket.on('error', ignore)
      socket.once('close', () => {
        waiting.delete(socket)
        if (hasEntered) clients.leave(words)
        clients.dismiss()
        counters.count('ended')
        deps.onEnded()
      })
      const refuse = (why: Total, from = socket): void => {
        counters.count(why)
        breakOff(from)
        // What it was wrapped in.
        if (from !== socket) socket.destroy()
      }

      const carry = (from: Socket, caller: Caller, client: Client): void =>
        route(caller, (outcome) => {
          if (typeof outcome === 'string') {
            refuse(refusals[outcome], from)
            return
          }
          const { backend, slot, release } = outcome
          if (socket.destroyed || from.destroyed) {
            backend.on('error', ignore)
            breakOff(backend)
            release()
            return
          }
          waiting.delete(socket)
          const header = deps.writeProxyHeader?.(client, {
            address: socket.localAddress ?? '',
            port: socket.localPort ?? 0,
          })
          if (header) backend.write(header)
          const open: Open = {
            slot,
            client: socket,
            backend,
            isKeptAlive: false,
            countedSent: 0,
            countedReceived: 0,
            relay: relay(from, backend, deps.idleMs, (ending) => {
              carrying.delete(open)
              countBytesOf(open)
              release()
              if (ending !== 'done') counters.count(endings[ending])
              // What it was wrapped in may be left.
              if (from !== socket) socket.destroy()
              deps.onEnded()
            }),
          }
          carrying.add(open)
          from.resume()
        })

      const admitClient = (from: Socket, app: string, client: Client): void => {
        readAddress(client.address, words)
        if (!clients.enter(words)) {
          refuse('refusedClientFull', from)
          return
        }
        hasEntered = true
        const caller = deps.callerOf(client.address, words, app)
        if (caller) carry(from, caller, client)
        else refuse('refusedNoBackend', from)
      }

      const named = (from: Socket, serverName: string | undefined, client: Client): void => {
        const app = entrance.app ?? deps.appOf(serverName)
        if (app === undefined) refuse('refusedServerName', from)
        else admitClient(from, app, client)
      }

      const readTls = (client: Client): void => {
        if (entrance.tls === 'none') {
          named(socket, undefined, client)
        } else if (entrance.tls === 'pass') {
          readHead(socket, deps.headTimeoutMs, deps.readServerName, (outcome) => {
            if ('head' in outcome) named(socket, outcome.head, client)
            else refuse('refusedHandshake')
          })
        } else {
          deps.terminate(socket, (outcome) => {
            if ('socket' in outcome) {
              named(outcome.socket, outcome.serverName, client)
            } else {
              counters.count('refusedHandshake')
              socket.destroy()
            }
          })
        }
      }

      const peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
      if (!entrance.hasProxyHeader) {
        readTls(peer)
        return
      }
      readHead(socket, deps.headTimeoutMs, deps.readProxyHeader, (outcome) => {
        if ('head' in outcome) readTls(outcome.head ?? peer)
        else refuse('refusedHeader')
      })
    },

    get open() {
      return waiting.size + carrying.size
    },

    cutOff() {
      for (const socket of waiting) breakOff(socket)
      for (const open of carrying) open.relay.cutOff()
    },

    lookAtOpen() {
      for (const open of carrying) {
        countBytesOf(open)
        // Eight calls of the system, which one that is soon over is spared.
        if (open.isKeptAlive) continue
        open.isKeptAlive = true
        for (const socket of [open.client, open.backend]) socket.setKeepAlive(true, keepAliveMs)
      }
    },
  }
}

function ignore(): void {
  // The close that follows tells all that is needed.
}
