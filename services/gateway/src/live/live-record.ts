import type { TailedRecord } from '@corroport/bus'
import { noJson, violationOf } from '../violations.ts'

/** A record as all readers share it: parsed and judged once, when the first of them wants it. */
export interface LiveRecord extends Omit<TailedRecord, 'text'> {
  sizeBytes: number
  /** As a server-sent event; the cursor is the place behind it. */
  frame(cursor: string): string
}

export function toLiveRecord({ text, ...record }: TailedRecord): LiveRecord {
  let parts: string[] | undefined
  return {
    ...record,
    sizeBytes: Buffer.byteLength(text),
    frame(cursor) {
      parts ??= split(record.subject, record.storedAt, text)
      return parts.join(cursor)
    },
  }
}

/** A hint as a server-sent event: nothing can be resumed from it. */
export function hintFrame(subject: string, payload: unknown): string {
  const data = JSON.stringify({ subject, cursor: null, payload })
  return `event: ${nameOf(subject)}\ndata: ${data}\n\n`
}

/** What stands before, between and behind the two places of the cursor. */
function split(subject: string, storedAt: string, text: string): string[] {
  const { payload, violation } = judge(subject, text)
  const said = violation === null ? '' : `"violation":${JSON.stringify(violation)},`
  return [
    `event: ${nameOf(subject)}\nid: `,
    `\ndata: {"subject":${JSON.stringify(subject)},"cursor":"`,
    `","at":"${storedAt}",${said}"payload":${payload}}\n\n`,
  ]
}

// Anyone with access to NATS can store what is no JSON; it is shown as text.
function judge(subject: string, text: string): { payload: string; violation: string | null } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { payload: JSON.stringify(text), violation: noJson }
  }
  return {
    payload: /[\r\n]/.test(text) ? JSON.stringify(value) : text,
    violation: violationOf(subject, value),
  }
}

/** `corro.ack.received.node1` is called `ack.received`. A server takes subjects with a CR in them. */
function nameOf(subject: string): string {
  return subject
    .split('.')
    .slice(1, 3)
    .join('.')
    .replaceAll(/[\r\n]/g, ' ')
}
