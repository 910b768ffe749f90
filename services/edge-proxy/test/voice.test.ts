// What a point of presence says and answers on NATS.
import { type Bus, connectBus } from '@corroport/bus'
import {
  type BackendMoved,
  backendMoved,
  type EdgeAnnounced,
  type EdgeDecision,
  edgeAnnounced,
  edgeBackendsQueried,
  edgeDecisionsQueried,
  edgeRouteExplained,
  routeDecided,
} from '@corroport/contracts'
import { type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { clientIn, rowOf, startBackend, startProxy } from './proxy.ts'

const log = pino({ level: 'silent' })
let nats: NatsServer
let asking: Bus
beforeAll(async () => {
  nats = await startNatsServer()
  asking = connectBus({ url: nats.url, name: 'test', log })
  await until(() => asking.isConnected)
})
afterAll(async () => {
  await asking[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function setUp(environment: Record<string, string> = {}) {
  const near = stack.use(await startBackend('near'))
  const far = stack.use(await startBackend('far'))
  const bus = stack.use(connectBus({ url: nats.url, name: 'edge-proxy/pop1', log }))
  await until(() => bus.isConnected)
  const rows = [
    rowOf(near, { country: 'DE' }),
    rowOf(far, { region: 'us' }),
    rowOf(near, { id: 'wrong', port: 0 }),
  ]
  const named = { EDGEPROXY_LISTENERS: 'web=127.0.0.1:0', EDGEPROXY_REGION: 'us' }
  const under = stack.use(await startProxy(rows, { ...named, ...environment }, bus))
  return { ...under, near, rows }
}

const at = { nodeId: 'pop1' }

test('it says who it is, what it listens on and how it does', async () => {
  const heard: EdgeAnnounced[] = []
  stack.use(asking.hear(edgeAnnounced, (event) => void heard.push(event)))
  const { proxy } = await setUp()

  const said = await until(() => heard.at(-1))

  expect(said).toMatchObject({
    nodeId: 'pop1',
    region: 'us',
    listeners: [{ app: 'web', host: '127.0.0.1', port: proxy.ports[0], tls: 'none' }],
    threads: 2,
    backends: { routing: 2, refused: 0, setAside: 1, leftOut: 0 },
    table: { isLive: true, ageSeconds: 0 },
  })
})

test('it tells where a client would be sent, why, and where if that backend died', async () => {
  await setUp()
  const explain = (client: string, without: string[] = []) =>
    asking.request(edgeRouteExplained, at, { client, app: 'web', without })

  const german = await explain(clientIn.DE)
  expect(german).toMatchObject({
    country: 'DE',
    region: 'eu',
    ownRegion: 'us',
    affinity: null,
    chosen: [{ id: 'near', share: 1 }],
    candidates: [
      { id: 'near', tier: 0, score: 0, refusal: null },
      { id: 'far', tier: 2, score: 200, refusal: null },
    ],
  })
  const without = await explain(clientIn.DE, ['near'])
  expect(without.chosen).toEqual([{ id: 'far', share: 1 }])
  expect(without.candidates.at(-1)).toMatchObject({ id: 'near', refusal: 'taken to be dead' })
  expect((await explain(clientIn.DE, ['near', 'far'])).chosen).toEqual([])
  expect((await explain('no address')).chosen).toEqual([{ id: 'far', share: 1 }])
})

test('it tells which backend a client has, and takes none for telling', async () => {
  const { ask, metric } = await setUp({ EDGEPROXY_BINDING_TTL_SECS: '600' })
  expect(await ask({ from: clientIn.JP })).toBe('far')

  const request = { client: clientIn.JP, app: 'web', without: [] }
  const explained = await asking.request(edgeRouteExplained, at, request)

  expect(explained).toMatchObject({ affinity: 'far', chosen: [{ id: 'far', share: 1 }] })
  expect(await metric('edgeproxy_connections_total')).toBe(1)
})

test('decisions are told as they are made, and can be asked for', async () => {
  const heard: EdgeDecision[] = []
  stack.use(asking.hear(routeDecided, ({ decision }) => void heard.push(decision)))
  const { ask } = await setUp()
  await ask({ from: clientIn.DE })

  const told = await until(() => heard.at(-1))

  expect(told).toMatchObject({
    client: clientIn.DE,
    country: 'DE',
    app: 'web',
    outcome: 'routed',
    attempts: [{ id: 'near', by: 'score', failure: null }],
    candidates: [{ id: 'near' }, { id: 'far' }],
  })
  const { decisions } = await asking.request(edgeDecisionsQueried, at, { limit: 10 })
  expect(decisions).toEqual([told])
})

test('backends are listed, with rows that were set aside, page by page', async () => {
  await setUp()
  const list = (request: { app?: string; after?: string; limit: number }) =>
    asking.request(edgeBackendsQueried, at, request)

  const first = await list({ limit: 1 })
  expect(first.backends.map(({ id }) => id)).toEqual(['far'])
  expect(first).toMatchObject({
    total: 2,
    setAside: [{ id: '"wrong"', reason: 'port is 0: it should be a whole number from 1 to 65535' }],
  })
  expect((await list({ limit: 5, after: 'far' })).backends.map(({ id }) => id)).toEqual(['near'])
  expect((await list({ limit: 5, app: 'game' })).total).toBe(0)
})

test('what becomes of a backend is told: it failed, it is refused by its row, it is gone', async () => {
  const heard: BackendMoved[] = []
  stack.use(asking.hear(backendMoved, (event) => void heard.push(event)))
  const { ask, near, rows, set } = await setUp({ EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD: '1' })
  const told = (to: BackendMoved['to']) =>
    until(() => heard.find((event) => event.id === 'near' && event.to === to))
  await told('taking')

  await near.kill()
  await ask({ from: clientIn.DE })
  await told('left-out')
  await set(rows.map((row) => (row.id === 'near' ? { ...row, draining: 1 } : row)))
  expect(await told('refused')).toMatchObject({ nodeId: 'pop1', app: 'web', reason: 'draining' })
  await set(rows.filter(({ id }) => id !== 'near'))
  await told('gone')
})
