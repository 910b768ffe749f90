import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { cut } from './cut.ts'

export const agents = ['klukai-0.1.4', 'v1.0.0'] as const
export type RecordedAgent = (typeof agents)[number]

export interface RecordedExchange {
  name: string
  request: { method: string; path: string; body?: unknown; rawBody?: string }
  response: {
    status: number
    headers: Record<string, string>
    body?: string
    lines?: string[]
  }
}

export interface RecordedStep {
  step: string
  status?: number
  headers?: Record<string, string>
  lines?: string[]
  received?: { line: string }[]
}

export interface RecordedAdminExchange {
  request: unknown
  frames: string[]
}

export function recording<T>(agent: RecordedAgent, file: 'http' | 'streams' | 'admin'): T[] {
  const path = join(import.meta.dirname, 'recordings', agent, `${file}.json`)
  const exchanges: T[] = JSON.parse(readFileSync(path, 'utf8'))
  return exchanges
}

export interface Replay extends AsyncDisposable {
  url: string
  /** The next request gets this answer, cut at random. */
  answer(response: RecordedExchange['response']): void
  /** What was asked last. */
  asked(): { method: string; path: string; body: string }
}

/** An agent that answers what it is told to. */
export async function startReplay(random: () => number): Promise<Replay> {
  let next: RecordedExchange['response'] | undefined
  let last = { method: '', path: '', body: '' }
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    last = { method: request.method ?? '', path: request.url ?? '', body: await textOf(request) }
    if (next === undefined) throw new Error('no answer was given')
    const { 'content-length': _length, 'transfer-encoding': _coding, ...headers } = next.headers
    response.writeHead(next.status, headers)
    const text = next.body ?? (next.lines ?? []).map((line) => `${line}\n`).join('')
    for (const piece of cut(Buffer.from(text), 40, random)) {
      response.write(piece)
      // Let the piece be sent before the next one is written.
      await new Promise(setImmediate)
    }
    response.end()
  }
  const server = createServer((request, response) => {
    void respond(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('unreachable: no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    answer(response) {
      next = response
    },
    asked: () => last,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = await request.toArray()
  return Buffer.concat(chunks).toString()
}
