import { setTimeout as wait } from 'node:timers/promises'
import { type CorrosionClient, otherText } from '@corroport/corrosion-client'

const tryEveryMs = 20
const queryTimeoutMs = 1000
const subscriptionTimeoutMs = 5000

// Always the same text and no row of it, so that the agent keeps one subscription, at no cost.
const probeSql = "SELECT node_id FROM node_configs WHERE node_id = ''"

export class AgentEndedError extends Error {
  override name = 'AgentEndedError'
  constructor() {
    super('the agent ended during its start')
  }
}

/** Tries until it succeeds. `requireProcess` throws when there is nothing left to try for. */
export async function tryUntil(
  attempt: (number: number) => Promise<void>,
  requireProcess: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let number = 0; ; number += 1) {
    await requireProcess()
    try {
      await attempt(number)
      break
    } catch (error) {
      await wait(tryEveryMs, undefined, { signal }).catch(() => undefined) // looked at below
      // The reason of the last attempt says more than that the time is over.
      if (signal.aborted) throw error
    }
  }
  // What answers may be another's that has the port.
  await requireProcess()
}

export async function answerQuery(client: CorrosionClient, signal: AbortSignal): Promise<void> {
  await client.query('SELECT 1', { signal, timeoutMs: queryTimeoutMs })
}

/**
 * Resolves with the first event of a subscription, and leaves it. After an attempt that failed the
 * agent may never answer the same text.
 */
export async function openSubscription(
  client: CorrosionClient,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const attempt = AbortSignal.any([signal, AbortSignal.timeout(subscriptionTimeoutMs)])
  const { events } = await client.subscribe(otherText(probeSql, number), { signal: attempt })
  for await (const _event of events) return
}
