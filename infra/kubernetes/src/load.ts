import { setTimeout as wait } from 'node:timers/promises'
import { MessageDetailReply, SendReply } from '@corroport/contracts'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { isRefused, type ServiceClient } from './service-client.ts'

/** One message that somebody wanted to send. */
export interface Call {
  /** By the monotonic clock of this process. */
  atMs: number
  tookMs: number
  /** What was said before the last answer: that nothing was written, or that it is not known. */
  setbacks: readonly string[]
  /** Of the message that was written. */
  messageId: string | undefined
  /** Why there is none. */
  failure: string | undefined
  /** Nobody answered, so that there may be a message whose id is not known here. */
  isCutOff: boolean
}

export interface Load {
  readonly calls: readonly Call[]
  /** Resolves when all that were begun are answered. */
  stop(): Promise<void>
}

// Longer than a Service needs to notice that a node takes no messages any more.
const againForMs = 30_000
const againAfterMs = 500
const settledWithinMs = 90_000

/** Sends at fixed times, whatever became of those before. */
export function startLoad(client: ServiceClient, ratePerSecond: number): Load {
  const calls: Call[] = []
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  const stopping = new AbortController()

  const loop = async (): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const early = startedAt + (index * 1000) / ratePerSecond - performance.now()
      if (early > 0) await wait(early)
      if (stopping.signal.aborted) return
      const call = send(client, index).then((made) => {
        calls.push(made)
        open.delete(call)
      })
      open.add(call)
    }
  }
  const running = loop()
  return {
    calls,
    async stop() {
      stopping.abort()
      await running
      await Promise.all(open)
    },
  }
}

type Ended = Pick<Call, 'messageId' | 'failure' | 'isCutOff'>

async function send(client: ServiceClient, index: number): Promise<Call> {
  const atMs = performance.now()
  const setbacks: string[] = []
  for (;;) {
    const found = await attempt(client, `load ${index}`, setbacks).catch(withoutAnswer)
    const tookMs = performance.now() - atMs
    if ('messageId' in found) return { atMs, tookMs, setbacks, ...found }
    if (tookMs > againForMs) {
      const failure = `${found.setback}, again and again`
      return { atMs, tookMs, setbacks, messageId: undefined, failure, isCutOff: false }
    }
    setbacks.push(found.setback)
    await wait(againAfterMs)
  }
}

/** How it ended; or why nothing was written, so that it may be sent again. */
async function attempt(
  client: ServiceClient,
  content: string,
  setbacks: string[],
): Promise<Ended | { setback: string }> {
  const { status, body } = await client.send('POST', '/api/messages/send', { content })
  const said = `${status} ${JSON.stringify(body)}`
  switch (status) {
    case 200: {
      const { message } = Value.Parse(SendReply, body)
      return { messageId: message.pk, failure: undefined, isCutOff: false }
    }
    case 503:
      return { setback: said }
    case 504:
      setbacks.push(said)
      return await settle(client, Value.Parse(Unknown, body).pk)
    default:
      return { messageId: undefined, failure: said, isCutOff: false }
  }
}

function withoutAnswer(error: unknown): Ended | { setback: string } {
  if (isRefused(error)) return { setback: 'connection refused' }
  return { messageId: undefined, failure: String(error), isCutOff: true }
}

const Unknown = Type.Object({ pk: Type.String() })

/** Asks what became of a message until its node knows, as the answer 504 says. */
async function settle(client: ServiceClient, pk: string): Promise<Ended | { setback: string }> {
  const deadline = performance.now() + settledWithinMs
  for (;;) {
    await wait(againAfterMs)
    const { status, reason } = await client.get(`/api/messages/${pk}`, MessageDetailReply).catch(
      // Its node may be away.
      (error: unknown) => ({ status: 'sent' as const, reason: String(error) }),
    )
    if (status === 'accepted') return { messageId: pk, failure: undefined, isCutOff: false }
    if (status === 'failed') return { setback: `${pk} was not written: ${reason}` }
    if (performance.now() > deadline) {
      const failure = `nobody knows what became of ${pk}: ${reason}`
      return { messageId: undefined, failure, isCutOff: true }
    }
  }
}
