import { setTimeout as wait } from 'node:timers/promises'
import {
  ContractError,
  type DurableDefinition,
  matches,
  type RecordDefinition,
} from '@corroport/contracts'
import type { Consumer, JetStreamClient, JsMsg } from '@nats-io/jetstream'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { adviceAbout } from './connection-problem.ts'
import { tellDead } from './dead-letter.ts'
import { messageOf } from './error-message.ts'
import { isVolumeFull } from './state-file.ts'
import { withSpan } from './trace.ts'

/** Thrown by a handler for what would fail the same way again. The record goes to DEAD at once. */
export class TerminalError extends Error {
  override name = 'TerminalError'
}

/** Which function handles which event. */
export interface Subscriber {
  readonly event: RecordDefinition
  readonly handle: (payload: unknown) => void | Promise<void>
}

export function on<T extends string, S extends TSchema>(
  event: RecordDefinition<T, S>,
  handle: (payload: Static<S>) => void | Promise<void>,
): Subscriber {
  return {
    event,
    handle: (payload) => handle(event.parse(payload)),
  }
}

export interface ConsumeOptions {
  bus: Bus
  log: Logger
  service: string
  durable: DurableDefinition
  handlers: readonly Subscriber[]
}

export interface Binding extends AsyncDisposable {
  /** To its durable, asking for records. */
  readonly isBound: boolean
}

export interface Consumption extends Binding {
  /** Records that the durable holds and that are not handled. Throws while it is not bound. */
  countWaiting(): Promise<number>
}

// About ten minutes of a full disk or a lost database, with the delays below.
const deliveriesBeforeDead = 60
const prefetch = 128

/**
 * Handles the records of a durable, one after another. A record is acknowledged after its handler
 * returned; it may come again, so every handler may run twice.
 */
export function consume(options: ConsumeOptions): Consumption {
  const { bus, log, durable } = options
  let bound: Consumer | undefined

  const worker = bus.onConnected(async (connection, signal) => {
    let isTold = false
    while (!signal.aborted) {
      try {
        await handleUntilLost(options, connection, signal, (consumer) => {
          bound = consumer
          isTold = false
          log.info({ durable: durable.name, stream: durable.stream }, 'consumer bound')
        })
      } catch (err) {
        if (!signal.aborted && !isTold)
          log.warn({ err, advice: adviceAbout(err), durable: durable.name }, 'consumer not bound')
        isTold = true
      }
      bound = undefined
      // 500 ms: a stream that is just being created must not be waited for much longer.
      await wait(250 + Math.random() * 500, undefined, { signal }).catch(() => undefined)
    }
  })

  return {
    get isBound() {
      return bound !== undefined
    },
    async countWaiting() {
      if (!bound) throw new Error(`consumer ${durable.name} not bound`)
      const { num_pending, num_ack_pending } = await bound.info()
      return num_pending + num_ack_pending
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}

async function handleUntilLost(
  options: ConsumeOptions,
  { jetstream }: Connection,
  signal: AbortSignal,
  onBound: (consumer: Consumer) => void,
): Promise<void> {
  const { durable } = options
  const consumer = await jetstream.consumers.get(durable.stream, durable.name)
  const messages = await consumer.consume({
    max_messages: prefetch,
    expires: 10_000,
    idle_heartbeat: 2000,
    abort_on_missing_resource: true,
  })
  using _stop = onAborted(signal, () => messages.stop())
  onBound(consumer)
  for await (const message of messages) {
    // What was fetched and will not be handled goes back at once, not after the wait for its answer.
    if (signal.aborted) message.nak()
    else await handleOne(options, jetstream, message)
  }
}

async function handleOne(
  options: ConsumeOptions,
  jetstream: JetStreamClient,
  message: JsMsg,
): Promise<void> {
  const { log, durable, handlers } = options
  try {
    const handler = handlers.find(({ event }) => matches(event.wildcard, message.subject))
    if (!handler) throw new TerminalError(`${options.service} does not handle this subject`)
    const payload = parseJson(message)
    const span = {
      service: options.service,
      name: `handle ${handler.event.template}`,
      kind: 'consumer',
      parent: message.headers?.get('traceparent') || undefined,
    } as const
    await withSpan(span, () => handler.handle(payload))
    message.ack()
  } catch (err) {
    const deliveries = message.info.deliveryCount
    const isTerminal = err instanceof TerminalError || err instanceof ContractError
    // A volume may be full for hours: nothing is wrong with the record.
    if (isTerminal || (deliveries >= deliveriesBeforeDead && !isVolumeFull(err))) {
      await bury(options, jetstream, message, err)
      return
    }
    log.warn({ err, subject: message.subject, durable: durable.name, deliveries }, 'record delayed')
    message.nak(Math.min(200 * 2 ** deliveries, 10_000))
  }
}

async function bury(
  { log, durable, service }: ConsumeOptions,
  jetstream: JetStreamClient,
  message: JsMsg,
  err: unknown,
): Promise<void> {
  const { stream, streamSequence, deliveryCount } = message.info
  const reason = messageOf(err)
  try {
    await tellDead(jetstream, {
      service,
      durable: durable.name,
      stream,
      sequence: streamSequence,
      subject: message.subject,
      messageId: message.headers?.get('Nats-Msg-Id') || null,
      deliveries: deliveryCount,
      reason,
      data: message.data,
    })
  } catch (error) {
    log.warn({ err: error, subject: message.subject }, 'dead letter not stored, record delayed')
    message.nak(1000)
    return
  }
  message.term(reason.slice(0, 200))
  log.error(
    { err, subject: message.subject, durable: durable.name, deliveries: deliveryCount },
    'record refused',
  )
}

function parseJson(message: JsMsg): unknown {
  try {
    return message.json()
  } catch (error) {
    throw new TerminalError('payload is not JSON', { cause: error })
  }
}
