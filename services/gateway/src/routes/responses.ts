import type { Readable } from 'node:stream'
import { nowMicroseconds, Problem, toTimestamp } from '@corroport/contracts'
import type { FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'

const problem = {
  description: 'what is wrong, and where it helps, what to do',
  content: { 'application/problem+json': { schema: Problem } },
}

/** The answers of a route: what it gives, else a problem document. */
export function answers<Reply extends TSchema>(reply: Reply) {
  return { 200: reply, '4xx': problem, '5xx': problem }
}

/** Of a route that begins something and does not wait for its end. */
export function accepts<Reply extends TSchema>(reply: Reply) {
  return { 202: reply, '4xx': problem, '5xx': problem }
}

/** Of a route that makes something. */
export function creates<Reply extends TSchema>(reply: Reply) {
  return { 201: reply, '4xx': problem, '5xx': problem }
}

/** The end of each answer: whose it is, and of when. */
export function answeredBy(nodeId: string): { node_id: string; timestamp: string } {
  return { node_id: nodeId, timestamp: toTimestamp(nowMicroseconds()) }
}

/** Of a route whose body may be left out. */
export const bodyIsOptional = {
  preValidation: async (request: FastifyRequest) => {
    request.body ??= {}
  },
}

/** Server-sent events have no schema of their own; each `data:` is a `LiveEvent`. */
export const eventStream = {
  200: { description: 'events', content: { 'text/event-stream': { schema: Type.String() } } },
  '4xx': problem,
  '5xx': problem,
}

/** Newline-delimited JSON, as long as it takes. */
export const lines = {
  200: {
    description: 'one JSON document a line',
    content: { 'application/x-ndjson': { schema: Type.Unsafe<Readable>({ type: 'string' }) } },
  },
  '4xx': problem,
  '5xx': problem,
}

/** Of a route whose answer may be wanted as CSV. */
export function documents<Reply extends TSchema>(reply: Reply) {
  return {
    200: {
      description: 'as it was asked for',
      content: {
        'application/json': { schema: reply },
        'text/csv': { schema: Type.String() },
      },
    },
    '4xx': problem,
    '5xx': problem,
  }
}
