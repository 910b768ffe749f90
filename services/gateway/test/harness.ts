import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, connectBus, readStream } from '@corroport/bus'
import {
  acknowledgementText,
  createParser,
  type NodeAnnounced,
  nodeAnnounced,
  nowMicroseconds,
  type Problem,
  QueryReply,
  type RecordDefinition,
  SendReply,
  type Transport,
  toTimestamp,
} from '@corroport/contracts'
import { type NodeKey, openNodeKey } from '@corroport/identity'
import { createHealth, createMetrics } from '@corroport/service'
import {
  type CorrosionAgent,
  createTemporaryFolder,
  type NatsServer,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll } from '@jest/globals'
import pino from 'pino'
import { type TSchema, Type } from 'typebox'
import { type Config, readConfig } from '../src/config.ts'
import { type App, createHttpServer } from '../src/http-server.ts'
import { createGatewayMetrics } from '../src/metrics.ts'
import { startGateway } from '../src/service.ts'

const AnyObject = Type.Record(Type.String(), Type.Unknown())

export const silent = pino({ level: 'silent' })

const folder = createTemporaryFolder()
afterAll(() => folder[Symbol.dispose]())

export function newFolder(): string {
  return mkdtempSync(join(folder.path, 'state-'))
}

/** The configuration that an environment makes, with ports that are free. */
export function configOf(variables: Record<string, string>, stateDir = newFolder()): Config {
  const config = readConfig({
    NODE_ID: 'node1',
    STATE_DIR: stateDir,
    API_PORT: '1',
    PEER_PORT: '1',
    PEER_ENDPOINT: '127.0.0.1:5001',
    CLUSTER_NODES: 'node1,node2,node3',
    METRICS_PORT: '1',
    ...variables,
  })
  return { ...config, api: { ...config.api, port: 0 }, peer: { ...config.peer, port: 0 } }
}

/** A gateway in this process, with a connection of its own. */
export async function startNode(config: Config) {
  await using starting = new AsyncDisposableStack()
  const { nodeId, nats } = config
  const bus = starting.use(connectBus({ ...nats, name: `gateway/${nodeId}`, log: silent }))
  const health = createHealth('gateway', nodeId)
  const metrics = createMetrics()
  const gateway = starting.use(await startGateway(config, { bus, log: silent, health, metrics }))
  return Object.assign(starting.move(), {
    bus,
    health,
    metrics,
    api: createCaller(`http://127.0.0.1:${gateway.apiPort}`),
    peer: createCaller(`http://127.0.0.1:${gateway.peerPort}`),
  })
}

/** NATS and an agent, the same for all tests of a file. */
export function neighboursOfFile() {
  let found: { nats: NatsServer; agent: CorrosionAgent } | undefined
  beforeAll(async () => {
    found = {
      nats: await startNatsServer({ nodeIds: ['node1', 'node2'] }),
      agent: await startCorrosionAgent(),
    }
  }, 30_000)
  afterAll(async () => {
    await found?.agent[Symbol.asyncDispose]()
    await found?.nats[Symbol.asyncDispose]()
  })
  const near = () => {
    if (!found) throw new Error('unreachable: asked for outside of a test')
    return found
  }
  return {
    get nats() {
      return near().nats
    },
    get agent() {
      return near().agent
    },
    configOf: (variables: Record<string, string> = {}): Config =>
      configOf({ NATS_URL: near().nats.url, AGENT_URL: near().agent.url, ...variables }),
  }
}

/** An app without routes. */
export function createBareApp(): App {
  const metrics = createGatewayMetrics(createMetrics(), {
    trackedMessages: () => 0,
    unconfirmedEvents: () => 0,
    liveReaders: () => 0,
    runningShares: () => 0,
  })
  return createHttpServer({ bodyLimit: 100_000, metrics, log: silent })
}

/** Routes of node1 that ask others over NATS, the same for all tests of a file. */
export function routesOfFile(
  register: (app: App, deps: { config: { nodeId: string }; bus: Bus }) => void,
) {
  const app = createBareApp()
  const stack = new AsyncDisposableStack()
  let bus: Bus | undefined
  beforeAll(async () => {
    const nats = stack.use(await startNatsServer())
    const opened = stack.use(connectBus({ url: nats.url, name: 'test', log: silent }))
    stack.defer(() => app.close())
    register(app, { config: { nodeId: 'node1' }, bus: opened })
    await until(() => opened.isConnected)
    bus = opened
  })
  afterAll(() => stack.disposeAsync())
  return {
    get bus() {
      if (!bus) throw new Error('unreachable: asked for outside of a test')
      return bus
    },
    inject: (options: {
      method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
      url: string
      headers?: Record<string, string>
      payload?: string
    }) => app.inject(options),
    get: (url: string) => app.inject(url),
    post: (url: string, payload?: object) =>
      app.inject({ method: 'POST', url, ...(payload && { payload }) }),
  }
}

export type Caller = ReturnType<typeof createCaller>

export interface Answer {
  status: number
  headers: Headers
  // Tests look at single fields of answers, whose shapes are checked against their schemas apart.
  body: Record<string, unknown>
}

function createCaller(url: string) {
  const call = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(url + path, init)
    const text = await response.text()
    const body = createParser('an answer', AnyObject)(JSON.parse(text))
    return { status: response.status, headers: response.headers, body }
  }
  return {
    url,
    get: (path: string, headers: Record<string, string> = {}) => call(path, { headers }),
    post: (path: string, body?: unknown, headers: Record<string, string> = {}) =>
      call(path, {
        method: 'POST',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  }
}

export async function send(
  api: Caller,
  content = 'hello',
  path = '/api/messages/send',
): Promise<string> {
  const { status, body } = await api.post(path, { content })
  if (status !== 200) throw new Error(`sending was answered with ${JSON.stringify(body)}`)
  return createParser('reply', SendReply)(body).message.pk
}

export async function query(api: Caller, request: object): Promise<QueryReply> {
  const { status, body } = await api.post('/api/query', request)
  if (status !== 200) throw new Error(`a query was answered with ${JSON.stringify(body)}`)
  return createParser('query', QueryReply)(body)
}

/** Another node, as far as the gateway of node1 can see it. */
export interface Peer {
  nodeId: string
  key: NodeKey
}

export function newPeer(nodeId: string): Peer {
  return { nodeId, key: openNodeKey(newFolder()) }
}

export function announcementOf({ nodeId, key }: Peer): NodeAnnounced {
  const now = toTimestamp(nowMicroseconds())
  return {
    nodeId,
    instanceId: key.instanceId,
    region: 'iad',
    publicKey: key.publicKey,
    endpoints: { api: '127.0.0.1:4002', peer: '127.0.0.1:5002', gossip: '127.0.0.1:8788' },
    state: 'active',
    stateAt: now,
    version: '0.1.0',
    agent: { state: 'ready', stateSince: now, actorId: null, url: 'http://127.0.0.1:8082' },
    startedAt: now,
    announcedAt: now,
  }
}

/** Announces a peer until the gateway knows it. */
export async function announce(bus: Bus, api: Caller, peer: Peer): Promise<void> {
  await until(async () => {
    bus.hint(nodeAnnounced, { nodeId: peer.nodeId }, announcementOf(peer))
    const { body } = await api.get('/api/nodes')
    return (
      JSON.stringify(body).includes(`"node_id":"${peer.nodeId}","is_local":false`) &&
      JSON.stringify(body).includes('"presence":"present"')
    )
  })
}

/** A signed acknowledgement; `change` is applied after it was signed. */
export function ackOf(
  peer: Peer,
  messageId: string,
  change: Record<string, unknown> = {},
  transport: Transport = 'gossip',
): Record<string, unknown> {
  const receivedAt = '2026-01-15T10:00:00.123456Z'
  const sentAt = '2026-01-15T10:00:00.124456Z'
  const via = transport === 'gossip' ? 'updates' : 'direct'
  const ack = {
    messageId,
    ackNodeId: peer.nodeId,
    originNodeId: 'node1',
    transport,
    via,
    attempts: 1,
  }
  return {
    [transport === 'gossip' ? 'message_pk' : 'request_id']: messageId,
    ack_node_id: peer.nodeId,
    origin_node_id: 'node1',
    receipt_timestamp: receivedAt,
    sent_timestamp: sentAt,
    via,
    attempts: 1,
    signature: peer.key.sign(acknowledgementText({ ...ack, receivedAt, sentAt })),
    ...change,
  }
}

/** Everything of one kind that was told, oldest first. */
export async function told<T extends string, S extends TSchema>(
  bus: Bus,
  event: RecordDefinition<T, S>,
): Promise<ReturnType<typeof event.parse>[]> {
  const prefix = event.wildcard.slice(0, event.wildcard.indexOf('*'))
  const records = await readStream(bus, 'RECORDS')
  return records
    .filter(({ subject }) => subject.startsWith(prefix))
    .map(({ text }) => event.parse(JSON.parse(text)))
}

export function detailOf({ body }: Answer): string {
  return String((body as Partial<Problem>).detail)
}
