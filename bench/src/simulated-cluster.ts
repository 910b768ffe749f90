// A process that answers a page of the console as a gateway of a large cluster would.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import type { AckReceived, MessageSent, MessageSummary, Problem } from '@corroport/contracts'
import { createAnswers, now, statusOf } from './simulated-answers.ts'

const [nodeCount = 500, eventsPerSecond = 200] = process.argv.slice(2).map(Number)
const dist = join(import.meta.dirname, '../../web/dist')
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

const ids = Array.from({ length: nodeCount }, (_, index) => `node${index + 1}`)
const messages: MessageSummary[] = []
const answers = createAnswers(ids, messages)

const readers = new Set<ServerResponse>()
let waiting: AckReceived[] = []
let sequence = 0

function tell(subject: string, payload: MessageSent | AckReceived): void {
  const name = subject.split('.').slice(1, 3).join('.')
  const cursor = `RECORDS.1.1.${(sequence++).toString(36)}`
  const data = JSON.stringify({ subject, cursor, at: now(), payload })
  for (const reader of readers) reader.write(`event: ${name}\nid: ${cursor}\ndata: ${data}\n\n`)
}

/** A message whenever all acknowledgements of the one before are told. */
function send(): void {
  const origin = ids[sequence % nodeCount] ?? 'node1'
  const messageId = `${origin}_${sequence.toString().padStart(26, '0')}`
  const sentAt = now()
  const others = ids.filter((id) => id !== origin)
  messages.push({
    pk: messageId,
    node_id: origin,
    message: `message ${sequence}`,
    sequence: Date.now(),
    timestamp: sentAt,
    originating_endpoint: '10.0.0.1:5001',
    region: 'iad',
  })
  if (messages.length > 1000) messages.shift()
  tell(`corro.message.sent.${origin}`, {
    nodeId: origin,
    messageId,
    transport: 'gossip',
    region: 'iad',
    sizeBytes: 12,
    expected: others.map((nodeId) => ({ nodeId, wasPresent: true })),
    sentAt,
  })
  waiting = others.map((ackNodeId, index) => ({
    nodeId: origin,
    messageId,
    transport: 'gossip',
    ackNodeId,
    via: 'updates',
    attempts: 1,
    receivedAt: sentAt,
    sentAt,
    arrivedAt: sentAt,
    roundTripMs: 5 + ((index * 37) % 240),
    roundTripClock: 'monotonic',
  }))
}

const tickMs = 50
let owed = 0
setInterval(() => {
  owed += (eventsPerSecond * tickMs) / 1000
  for (; owed >= 1; owed--) {
    const ack = waiting.pop()
    if (ack) tell(`corro.ack.received.${ack.nodeId}`, ack)
    else send()
  }
}, tickMs)
setInterval(() => {
  const status = JSON.stringify(statusOf(ids))
  for (const reader of readers) reader.write(`: alive\n\nevent: status\ndata: ${status}\n\n`)
}, 1000)

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/api/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': alive\n\n')
    readers.add(response)
    request.once('close', () => readers.delete(response))
    return
  }
  const reply = answers[pathname]
  if (reply) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(reply()))
  } else if (pathname.startsWith('/api/')) {
    const detail = 'not simulated'
    const problem: Problem = {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail,
      error: detail,
      timestamp: now(),
    }
    response.writeHead(404, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(problem))
  } else {
    const name = extname(pathname) === '' ? 'index.html' : pathname
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'text/plain' })
    response.end(readFileSync(join(dist, name)))
  }
}

const server = createServer(answer)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.send?.(address?.port)
})
