import { setTimeout as wait } from 'node:timers/promises'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import type { Sender } from './send.ts'
import type { Tracker, Unsettled } from './tracker.ts'

export interface ReconcileOptions {
  agent: CorrosionClient
  tracker: Tracker
  sender: Sender
  log: Logger
}

const intervalMs = 2000
// A transaction whose answer was lost may still be running; one that is absent so long is not.
const absentForMs = 10_000

/** Finds out what became of messages whose sending was cut off, until the signal is aborted. */
export async function reconcile(options: ReconcileOptions, signal: AbortSignal): Promise<void> {
  const { tracker, sender, log } = options
  const absentSince = new Map<string, number>()
  while (!signal.aborted) {
    const left = tracker.unsettled().filter(({ messageId }) => !sender.isSending(messageId))
    try {
      if (left.length > 0) await settle(options, left, absentSince, signal)
    } catch (err) {
      if (!signal.aborted) log.debug({ err, messages: left.length }, 'messages not settled yet')
    }
    await wait(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}

async function settle(
  { agent, tracker, log }: ReconcileOptions,
  messages: readonly Unsettled[],
  absentSince: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const gossip = messages.filter(({ transport }) => transport === 'gossip')
  const written = await findWritten(agent, gossip, signal)
  for (const { messageId, transport, isAcknowledged } of messages) {
    // What went out over NATS left no trace but its acknowledgements.
    const isOut = transport === 'gossip' ? written.has(messageId) : isAcknowledged
    if (isOut) {
      absentSince.delete(messageId)
      tracker.accept(messageId, { wasReadBack: true })
      log.info({ messageId, transport }, 'message found after all')
      continue
    }
    const since = absentSince.get(messageId) ?? performance.now()
    absentSince.set(messageId, since)
    if (performance.now() - since < absentForMs) continue
    absentSince.delete(messageId)
    tracker.fail(messageId, 'sending it was cut off, and it was not written')
    log.warn({ messageId, transport }, 'message was not written')
  }
}

async function findWritten(
  agent: CorrosionClient,
  messages: readonly Unsettled[],
  signal: AbortSignal,
): Promise<Set<unknown>> {
  if (messages.length === 0) return new Set()
  const ids = messages.map(({ messageId }) => messageId)
  const marks = ids.map(() => '?').join(', ')
  const { rows } = await agent.query([`SELECT pk FROM node_messages WHERE pk IN (${marks})`, ids], {
    signal,
  })
  return new Set(rows.map(([pk]) => pk))
}
