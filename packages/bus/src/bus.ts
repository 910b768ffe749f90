import { setTimeout as wait } from 'node:timers/promises'
import type { CommandDefinition, HintDefinition, SubjectParameter } from '@corroport/contracts'
import { type JetStreamClient, jetstream } from '@nats-io/jetstream'
import {
  connect,
  headers as createHeaders,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import { accessOptions, inboxOf, type NatsAccess } from './access.ts'
import { type Claim, keepClaim } from './claim.ts'
import { adviceAbout, describeProblem } from './connection-problem.ts'
import { messageOf } from './error-message.ts'
import { parseRefusalBody, RefusalError } from './refusal.ts'
import { createTraceparent, withSpan } from './trace.ts'

type Parameters<Template extends string> = Readonly<Record<SubjectParameter<Template>, string>>

export interface BusOptions extends NatsAccess {
  /** Shown by the server for this connection: `<service>/<node>`. */
  name: string
  log: Logger
  /** Nothing is said or heard before these names are held. */
  claim?: Claim | undefined
}

/** A command was not answered, or its answer was an error. */
export class CommandError extends Error {
  override name = 'CommandError'
  /** `unavailable`: NATS is away or nobody listens. `timeout`. `refused`: the service said no. */
  readonly reason: 'unavailable' | 'timeout' | 'refused'
  /** Why not, where the service threw a `RefusalError`. */
  readonly refusal: RefusalError | undefined

  constructor(subject: string, reason: CommandError['reason'], detail: string, cause?: unknown) {
    super(`${subject}: ${detail}`, { cause })
    this.reason = reason
    this.refusal = cause instanceof RefusalError ? cause : undefined
  }
}

/**
 * One connection to NATS. It is usable at once and for ever: what is registered before the first
 * connection begins to work with it, and again after each loss.
 */
export interface Bus extends AsyncDisposable {
  /** Whose spans are recorded for what is asked and answered here. */
  readonly service: string
  readonly isConnected: boolean
  /** Why it is not connected, and what to do where something has to be done. */
  readonly problem: string | undefined
  /** Resolves with the reason when another instance holds a claimed name. The process should end. */
  readonly refused: Promise<string>
  /** Sends a hint. False when NATS is away: a hint is not kept. */
  hint<T extends string, S extends TSchema>(
    event: HintDefinition<T, S>,
    parameters: Parameters<T>,
    payload: Static<S>,
  ): boolean
  hear<T extends string, S extends TSchema>(
    event: HintDefinition<T, S>,
    handler: (payload: Static<S>) => void | Promise<void>,
  ): AsyncDisposable
  request<T extends string, Q extends TSchema, R extends TSchema>(
    command: CommandDefinition<T, Q, R>,
    parameters: Parameters<T>,
    request: Static<Q>,
  ): Promise<Static<R>>
  respond<T extends string, Q extends TSchema, R extends TSchema>(
    command: CommandDefinition<T, Q, R>,
    parameters: Parameters<T>,
    handler: (request: Static<Q>) => Static<R> | Promise<Static<R>>,
    options?: {
      /** Among those that answer under one such name, one answers. */
      sharedBy?: string
    },
  ): AsyncDisposable
  /** Runs `work` with each connection, from now on, until the returned value is disposed. */
  onConnected(work: (connection: Connection, signal: AbortSignal) => Promise<void>): AsyncDisposable
}

export interface Connection {
  nats: NatsConnection
  jetstream: JetStreamClient
  /** What replies to this connection begin with. */
  inboxPrefix: string
}

/** Starts connecting and returns at once; `isConnected` says how it went. */
export function connectBus(options: BusOptions): Bus {
  const { log } = options
  const stopping = new AbortController()
  const workers = new Set<Worker>()
  let connection: Connection | undefined
  let isConnected = false
  let isClaimed = false
  let problem: string | undefined = 'not reached yet'
  const { promise: refused, resolve: refuse } = Promise.withResolvers<string>()

  const onUp = (): void => {
    isClaimed = true
    if (connection?.nats.isClosed() || stopping.signal.aborted) return
    isConnected = true
    problem = undefined
    for (const worker of workers) worker.restart()
  }
  const onDown = (reason: string): void => {
    if (isConnected && !stopping.signal.aborted) log.warn({ reason }, 'nats lost')
    // Each attempt that the server refuses ends in the loss of a connection too.
    if (isConnected) problem = reason
    isConnected = false
    for (const worker of workers) worker.stop()
  }

  /** Says it once, and again when it is another. */
  const failed = (err: unknown, message: string, about: object): void => {
    const found = describeProblem(err)
    if (found === problem || stopping.signal.aborted) return
    problem = found
    log.warn({ err, advice: adviceAbout(err), ...about }, message)
  }

  const connecting = (async () => {
    const nats = await connectFirst(options, stopping.signal, (err) =>
      failed(err, 'nats not reached yet', { url: withoutPassword(options.url) }),
    )
    if (!nats) return
    if (stopping.signal.aborted) {
      await nats.close()
      return
    }
    connection = { nats, jetstream: jetstream(nats), inboxPrefix: inboxOf(options.user) }
    log.info({ server: nats.getServer() }, 'nats connected')
    if (options.claim) {
      const { claim } = options
      void keepClaim(nats, claim, {
        signal: stopping.signal,
        onHeld: onUp,
        onFailure: (err) => failed(err, 'name not claimed yet', { names: claim.names }),
      }).then((reason) => reason && refuse(reason))
    } else onUp()
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') onDown('disconnected')
      if (status.type === 'reconnect') {
        log.info({ server: nats.getServer() }, 'nats connected again')
        if (isClaimed) onUp()
      }
      if (status.type !== 'error') continue
      if (isConnected) {
        const { error: err } = status
        log.warn({ err, advice: adviceAbout(err) }, 'nats refused something')
      } else failed(status.error, 'nats not reached again', {})
    }
  })()
  connecting.catch((err: unknown) => log.error({ err }, 'nats connection failed'))

  class Worker implements AsyncDisposable {
    readonly #work: (connection: Connection, signal: AbortSignal) => Promise<void>
    #abort: AbortController | undefined
    #running: Promise<void> = Promise.resolve()

    constructor(work: (connection: Connection, signal: AbortSignal) => Promise<void>) {
      this.#work = work
      workers.add(this)
      if (isConnected) this.restart()
    }

    restart(): void {
      const open = connection
      if (!open) return
      this.stop()
      const abort = new AbortController()
      this.#abort = abort
      // One run at a time: the next begins when the one before has let go.
      this.#running = this.#running
        .then(() => (abort.signal.aborted ? undefined : this.#work(open, abort.signal)))
        .catch((err: unknown) => {
          if (!abort.signal.aborted) log.error({ err }, 'work on nats ended')
        })
    }

    stop(): void {
      this.#abort?.abort()
    }

    async [Symbol.asyncDispose](): Promise<void> {
      workers.delete(this)
      this.stop()
      await this.#running
    }
  }

  const subscribe = (
    subject: string,
    handle: (message: Msg) => Promise<void>,
    queue?: string,
  ): AsyncDisposable => {
    const inFlight = new Set<Promise<void>>()
    const worker = new Worker(async ({ nats }, signal) => {
      const subscription: Subscription = nats.subscribe(subject, {
        ...(queue !== undefined && { queue }),
        callback: (error, message) => {
          if (error) {
            log.warn({ err: error, subject }, 'subscription refused')
            return
          }
          const handled = handle(message)
          inFlight.add(handled)
          void handled.finally(() => inFlight.delete(handled))
        },
      })
      await aborted(signal)
      subscription.unsubscribe()
    })
    return {
      async [Symbol.asyncDispose]() {
        await worker[Symbol.asyncDispose]()
        await Promise.all(inFlight)
      },
    }
  }

  return {
    service: options.name.split('/')[0] ?? options.name,
    get isConnected() {
      return isConnected
    },
    get problem() {
      return problem
    },
    refused,

    hint(event, parameters, payload) {
      const subject = event.subject(parameters)
      const text = JSON.stringify(event.parse(payload))
      if (!connection || !isConnected) return false
      connection.nats.publish(subject, text, { headers: traceHeaders() })
      return true
    },

    hear(event, handler) {
      const span = {
        service: this.service,
        name: `hear ${event.template}`,
        kind: 'consumer',
      } as const
      return subscribe(event.wildcard, async (message) => {
        try {
          const payload = event.parse(message.json())
          await withSpan({ ...span, parent: traceOf(message) }, () => handler(payload))
        } catch (err) {
          log.warn({ err, subject: message.subject }, 'hint dropped')
        }
      })
    },

    async request(command, parameters, request) {
      const subject = command.subject(parameters)
      const text = JSON.stringify(command.parseRequest(request))
      if (!connection || !isConnected) {
        throw new CommandError(subject, 'unavailable', 'nats is not connected')
      }
      let message: Msg
      try {
        const { nats } = connection
        const span = { name: `ask ${command.template}`, kind: 'client' } as const
        message = await withSpan(span, () =>
          nats.request(subject, text, { timeout: command.timeoutMs, headers: traceHeaders() }),
        )
      } catch (error) {
        const isTimeout = Error.isError(error) && error.name === 'TimeoutError'
        throw isTimeout
          ? new CommandError(subject, 'timeout', `no answer in ${command.timeoutMs} ms`, error)
          : new CommandError(subject, 'unavailable', 'nobody answers', error)
      }
      const refusal = message.headers?.get('Corro-Error')
      if (refusal) throw new CommandError(subject, 'refused', refusal, refusalOf(refusal, message))
      return command.parseReply(message.json())
    },

    respond(command, parameters, handler, { sharedBy } = {}) {
      const name = `answer ${command.template}`
      const span = { service: this.service, name, kind: 'server' } as const
      const answer = async (message: Msg): Promise<void> => {
        try {
          const request = command.parseRequest(message.json())
          const reply = await withSpan({ ...span, parent: traceOf(message) }, () =>
            handler(request),
          )
          message.respond(JSON.stringify(command.parseReply(reply)))
        } catch (err) {
          const headers = createHeaders()
          headers.set('Corro-Error', oneLine(err))
          if (err instanceof RefusalError) {
            const { code, problems } = err
            log.info({ reason: err.message, code, subject: message.subject }, 'command refused')
            message.respond(JSON.stringify({ code, problems }), { headers })
          } else {
            log.warn({ err, subject: message.subject }, 'command failed')
            message.respond('', { headers })
          }
        }
      }
      return subscribe(command.subject(parameters), answer, sharedBy)
    },

    onConnected(work) {
      return new Worker(work)
    },

    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all([...workers].map((worker) => worker[Symbol.asyncDispose]()))
      // What was just published has left; a server that is gone takes nothing any more.
      if (isConnected) await connection?.nats.flush().catch(() => undefined)
      await connection?.nats.close()
      await connecting.catch(() => undefined) // already logged where it was started
    },
  }
}

/** The same connection, for one of several services of a process. */
export function busFor(service: string, bus: Bus): Bus {
  const own: Bus = Object.create(bus, { service: { value: service } })
  return own
}

// `waitOnFirstConnect` would ignore a signal while it waits.
async function connectFirst(
  options: BusOptions,
  signal: AbortSignal,
  onFailure: (err: unknown) => void,
): Promise<NatsConnection | undefined> {
  while (!signal.aborted) {
    try {
      return await connect({
        ...accessOptions(options),
        name: options.name,
        timeout: 2000,
        reconnect: true,
        maxReconnectAttempts: -1,
        // Else a password that is wrong twice would end all attempts, though it may be changed back.
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        pingInterval: 10_000,
        maxPingOut: 2,
        // Else every request makes an Error, for the stack it might need.
        noAsyncTraces: true,
      })
    } catch (err) {
      onFailure(err)
      await wait(250 + Math.random() * 250, undefined, { signal }).catch(() => undefined)
    }
  }
  return undefined
}

function refusalOf(reason: string, message: Msg): RefusalError | undefined {
  if (message.data.length === 0) return undefined
  const { code, problems } = parseRefusalBody(message.json())
  return new RefusalError(code, reason, problems)
}

function withoutPassword(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//***@')
}

function oneLine(error: unknown): string {
  return messageOf(error).replaceAll(/[\r\n]+/g, ' ')
}

function traceHeaders(): ReturnType<typeof createHeaders> {
  const headers = createHeaders()
  headers.set('traceparent', createTraceparent())
  return headers
}

function traceOf(message: Msg): string | undefined {
  return message.headers?.get('traceparent') || undefined
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAborted(signal, resolve)
  })
}

/** Calls when the signal is aborted, unless disposed: a signal outlives much of what listens to it. */
export function onAborted(signal: AbortSignal, call: () => void): Disposable {
  if (signal.aborted) call()
  else signal.addEventListener('abort', call, { once: true })
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', call) }
}
