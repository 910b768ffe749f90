import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { Problem } from '@corroport/contracts'
import { freePort } from '@corroport/testing'

export interface Exchange {
  /** `GET /api/messages?limit=20` */
  line: string
  headers: IncomingHttpHeaders
  body: string
}

export type Answer = object | ((response: ServerResponse) => void)

export interface Gateway extends AsyncDisposable {
  readonly url: string
  /** Everything that was asked, in order. */
  readonly asked: Exchange[]
}

/** An HTTP server that answers as told, by `GET /api/nodes`; several answers are given in turn. */
export async function startGateway(
  answers: Readonly<Record<string, Answer | Answer[]>>,
  port?: number,
): Promise<Gateway> {
  const asked: Exchange[] = []
  const turns = new Map<string, number>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url, headers } = request
    asked.push({ line: `${method} ${url}`, headers, body: await bodyOf(request) })
    const route = `${method} ${url?.split('?')[0]}`
    const turn = turns.get(route) ?? 0
    turns.set(route, turn + 1)
    const answer = [answers[route] ?? problem(404, `no route ${route}`)].flat()
    give(response, answer[Math.min(turn, answer.length - 1)])
  }
  const server = createServer((request, response) => void handle(request, response))
  const listening = port ?? (await freePort())
  server.listen(listening, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${listening}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Answers with an RFC 9457 document. */
export function problem(status: number, detail: string, problems: string[] = []): Answer {
  const document: Problem = {
    type: 'about:blank',
    title: 'Problem',
    status,
    detail,
    error: detail,
    timestamp: '2026-01-15T10:00:00Z',
    ...(problems.length > 0 && { errors: problems.map((message) => ({ path: '', message })) }),
  }
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(document))
  }
}

/** Sends the text as an event stream that stays open, or ends when told. */
export function eventStream(text: string, { ends = false } = {}): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(text)
    if (ends) response.end()
  }
}

function give(response: ServerResponse, answer: Answer | undefined): void {
  if (typeof answer === 'function') {
    answer(response)
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request)).toString()
}
