import type { RecordDefinition } from '@corroport/contracts'
import { headers as createHeaders, createInbox, type Msg } from '@nats-io/transport-node'
import type { Connection } from './bus.ts'
import { readAnswer } from './publish-answer.ts'
import { createTraceparent } from './trace.ts'

/** A record of a service that keeps them in a database of its own. */
export interface ToldRecord {
  event: RecordDefinition
  subject: string
  payload: unknown
}

const confirmTimeoutMs = 3000

/**
 * Publishes records in their order, and resolves when JetStream has stored all of them. Rejects when
 * one was not: then all are to be told again, which does no harm within the window of duplicates.
 */
export async function publishRecords(
  { nats, inboxPrefix }: Connection,
  records: readonly ToldRecord[],
): Promise<void> {
  if (records.length === 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const inbox = createInbox(inboxPrefix)
  let open = records.length
  const onAnswer = (error: Error | null, message: Msg): void => {
    const answer = error ?? readAnswer(message)
    if (Error.isError(answer)) reject(answer)
    else if (--open === 0) resolve()
  }
  const subscription = nats.subscribe(inbox, { callback: onAnswer })
  const overdue = setTimeout(
    () => reject(new Error(`${open} records were not confirmed in ${confirmTimeoutMs} ms`)),
    confirmTimeoutMs,
  )
  try {
    for (const { event, subject, payload } of records) {
      const headers = createHeaders()
      headers.set('Nats-Msg-Id', event.identify(event.parse(payload)))
      headers.set('traceparent', createTraceparent())
      nats.publish(subject, JSON.stringify(payload), { reply: inbox, headers })
    }
    await promise
  } finally {
    clearTimeout(overdue)
    subscription.unsubscribe()
  }
}
