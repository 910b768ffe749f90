import type { Readable } from 'node:stream'

/** What a route answers. A stream goes out as it comes; its end is the end of the answer. */
export interface Answer {
  status: number
  headers?: Readonly<Record<string, string>>
  body?: string | Readable | AsyncIterable<string>
}

export function json(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/** Most errors of the agent come without a content type. */
export function errorBody(message: string): string {
  return `{"error":${JSON.stringify(message)}}`
}
