import { Problem } from '@corroport/contracts'
import { type TSchema, Type } from 'typebox'

const problem = {
  description: 'what is wrong, and where it helps, what to do',
  content: { 'application/problem+json': { schema: Problem } },
}

/** The answers of a route: what it gives, else a problem document. */
export function answers<Reply extends TSchema>(reply: Reply) {
  return { 200: reply, '4xx': problem, '5xx': problem }
}

/** Server-sent events have no schema of their own; each `data:` is a `LiveEvent`. */
export const eventStream = {
  200: { description: 'events', content: { 'text/event-stream': { schema: Type.String() } } },
  '4xx': problem,
  '5xx': problem,
}
