import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { type Bus, connectBus } from '@corroport/bus'
import {
  AcknowledgePubsubRequest,
  AcknowledgeRequest,
  acknowledgementText,
  ackPathDiagnosed,
  type ChangeObserved,
  changeObserved,
  createParser,
  nodeAnnounced,
  nowMicroseconds,
  type Parse,
  toTimestamp,
} from '@corroport/contracts'
import { isSignedBy, type NodeKey, openNodeKey } from '@corroport/identity'
import { createHealth, createMetrics } from '@corroport/service'
import { createTemporaryFolder, freePort, startNatsServer, until } from '@corroport/testing'
import pino from 'pino'
import type { Static, TSchema } from 'typebox'
import { readConfig } from '../src/config.ts'
import { startAckSender } from '../src/service.ts'

const silent = pino({ level: 'silent' })

/** The service of node1, with a connection of its own; `variables` of its environment. */
export async function startNode1(
  url: string,
  stateDir: string,
  variables: Record<string, string> = {},
): Promise<AsyncDisposable> {
  const config = readConfig({
    NODE_ID: 'node1',
    NATS_URL: url,
    STATE_DIR: stateDir,
    METRICS_PORT: '9441',
    ACK_TIMEOUT_MS: '1000',
    ...variables,
  })
  const stack = new AsyncDisposableStack()
  const bus = stack.use(connectBus({ url, name: 'ack-sender/node1', log: silent }))
  const health = createHealth('ack-sender', 'node1')
  stack.use(startAckSender(config, { bus, log: silent, health, metrics: createMetrics() }))
  return stack
}

/** NATS, an observer and the state folder of node1; the service itself is started by each test. */
export async function startNeighbours() {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const nats = stack.use(await startNatsServer({ nodeIds: ['node1'] }))
  const observer = stack.use(await startObserver(nats.url))
  return Object.assign(stack, {
    nats,
    observer,
    stateDir: folder.path,
    key: openNodeKey(folder.path),
  })
}

interface Told<Schema extends TSchema> {
  readonly template: string
  parse: Parse<Schema>
}

interface Observer extends AsyncDisposable {
  readonly bus: Bus
  /** Every event of a kind that was told so far. */
  told<Schema extends TSchema>(event: Told<Schema>): Static<Schema>[]
  /** Publishes as a subscriber would, but stores a repetition too. */
  publish(...observed: ChangeObserved[]): Promise<void>
  publishRaw(text: string): Promise<void>
  announce(nodeId: string, endpoint: string, publicKey: string): void
}

/** Another client of the same NATS: publishes, announces nodes, and notes what is told. */
async function startObserver(url: string): Promise<Observer> {
  const bus = connectBus({ url, name: 'observer', log: silent })
  const records = new Map<string, { subject: string; payload: unknown }>()
  let jetstream: Parameters<Parameters<Bus['onConnected']>[0]>[0]['jetstream'] | undefined
  bus.onConnected(async (connection, signal) => {
    jetstream = connection.jetstream
    await Promise.all(
      ['RECORDS', 'DEAD'].map(async (stream) => {
        const consumer = await connection.jetstream.consumers.get(stream)
        const messages = await consumer.consume()
        signal.addEventListener('abort', () => messages.stop(), { once: true })
        for await (const message of messages) {
          records.set(`${stream} ${message.seq}`, {
            subject: message.subject,
            payload: message.json(),
          })
        }
      }),
    )
  })
  const announcing = new Map<string, NodeJS.Timeout>()
  const connected = await until(() => bus.isConnected && jetstream)
  const publishRaw = async (text: string): Promise<void> => {
    await connected.publish(changeObserved.subject({ nodeId: 'node1' }), text)
  }
  return {
    bus,
    told: (event) => {
      const prefix = event.template.replace(/\{.*/, '')
      return [...records.values()]
        .filter(({ subject }) => subject.startsWith(prefix))
        .map(({ payload }) => event.parse(payload))
    },
    publishRaw,
    publish: async (...observed) => {
      await Promise.all(
        observed.map((one) => publishRaw(JSON.stringify(changeObserved.parse(one)))),
      )
    },
    announce: (nodeId, endpoint, publicKey) => {
      const startedAt = toTimestamp(nowMicroseconds())
      const announce = (): void => {
        const announcedAt = toTimestamp(nowMicroseconds())
        bus.hint(
          nodeAnnounced,
          { nodeId },
          {
            nodeId,
            instanceId: nodeId,
            region: 'local',
            publicKey,
            endpoints: { api: endpoint, peer: endpoint, gossip: null },
            state: 'active',
            stateAt: startedAt,
            version: '0.1.0',
            agent: {
              state: 'ready',
              stateSince: startedAt,
              actorId: null,
              url: 'http://127.0.0.1:8080',
            },
            startedAt,
            announcedAt,
          },
        )
      }
      clearInterval(announcing.get(nodeId))
      announcing.set(nodeId, setInterval(announce, 50))
      announce()
    },
    async [Symbol.asyncDispose]() {
      for (const timer of announcing.values()) clearInterval(timer)
      await bus[Symbol.asyncDispose]()
    },
  }
}

/** Waits until node1 has heard the announcement of a node. */
export async function untilHeard(observer: Observer, nodeId: string): Promise<void> {
  await until(async () => {
    const asked = observer.bus.request(ackPathDiagnosed, { nodeId: 'node1' }, {})
    // Refused while node1 does not listen yet.
    const diagnosis = await asked.catch(() => undefined)
    return diagnosis?.steps.some(({ step }) => step === `endpoint ${nodeId}`)
  })
}

/** A row of node2 as node1 saw it. */
export function change(
  messageId: string,
  { row, ...other }: Partial<ChangeObserved> = {},
): ChangeObserved {
  return {
    nodeId: 'node1',
    table: 'node_messages',
    key: [messageId],
    keyDigest: Buffer.from(messageId).toString('base64url'),
    change: 'insert',
    rowVersion: 'v1',
    row:
      row === null
        ? null
        : {
            pk: messageId,
            node_id: messageId.split('_')[0] ?? '',
            message: 'hello',
            originating_endpoint: '',
            ...row,
          },
    writes: [],
    via: 'updates',
    observedAt: toTimestamp(nowMicroseconds()),
    ...other,
  }
}

export interface Posted {
  path: string
  headers: IncomingHttpHeaders
  messageId: string
  body: AcknowledgeRequest | AcknowledgePubsubRequest
  /** Against the key that the state folder of node1 holds. */
  isSigned: boolean
  at: number
}

export interface Origin extends AsyncDisposable {
  readonly endpoint: string
  readonly posted: Posted[]
  /** Ids in the order of their attempts. */
  readonly ids: string[]
  /** From now on. Default: acknowledges all. */
  answer(how: Answer): void
}

export type Answer = (posted: Posted, response: ServerResponse) => void

export const acknowledge: Answer = ({ body }, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      status: 'acknowledged',
      message: 'acknowledged',
      ack_node_id: body.ack_node_id,
      duplicate: false,
    }),
  )
}

export const refuse =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, headers).end(JSON.stringify({ detail: `because of ${status}` }))
  }

export const hang: Answer = () => undefined

const parseGossip = createParser('acknowledgement', AcknowledgeRequest)
const parseDirect = createParser('direct acknowledgement', AcknowledgePubsubRequest)

/** A peer API: records what is posted, checks it, and answers as told. */
export async function startOrigin(key: NodeKey, port?: number): Promise<Origin> {
  let answer = acknowledge
  const posted: Posted[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200).end('{}')
        return
      }
      const at = performance.now()
      const path = request.url ?? ''
      const json: unknown = JSON.parse(Buffer.concat(chunks).toString())
      const isGossip = path === '/api/acknowledge'
      const body = isGossip ? parseGossip(json) : parseDirect(json)
      const messageId = 'message_pk' in body ? body.message_pk : body.request_id
      const text = acknowledgementText({
        messageId,
        ackNodeId: body.ack_node_id,
        originNodeId: body.origin_node_id,
        transport: isGossip ? 'gossip' : 'direct',
        receivedAt: body.receipt_timestamp,
        sentAt: body.sent_timestamp,
        via: body.via,
        attempts: body.attempts,
      })
      const post: Posted = {
        path,
        headers: request.headers,
        messageId,
        body,
        isSigned: isSignedBy(key.publicKey, text, body.signature),
        at,
      }
      posted.push(post)
      answer(post, response)
    })
  })
  const listeningPort = port ?? (await freePort())
  server.listen(listeningPort, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `127.0.0.1:${listeningPort}`,
    posted,
    get ids() {
      return posted.map(({ messageId }) => messageId)
    },
    answer: (how) => {
      answer = how
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    },
  }
}
