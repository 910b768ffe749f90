import { type Bus, connectBus, onceConnected, readStream } from '@corroport/bus'
import {
  ClusterStatus,
  clusterChanged,
  createParser,
  LiveNotice,
  nodeAnnounced,
} from '@corroport/contracts'
import {
  type CorrosionAgent,
  type NatsServer,
  startCorrosionAgent,
  startNatsServer,
  stopProcess,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Principal } from '../src/access/policy.ts'
import { encodeCursor } from '../src/live/cursor.ts'
import { createLive } from '../src/live/live.ts'
import { registerEvents } from '../src/routes/events.ts'
import {
  announcementOf,
  configOf,
  createBareApp,
  newPeer,
  send,
  silent,
  startNode,
} from './harness.ts'
import { messagesIn, openPage, type Page, parseEvent } from './live-page.ts'

const parseStatus = createParser('status', ClusterStatus)
const parseNotice = createParser('notice', LiveNotice)

let agent: CorrosionAgent
beforeAll(async () => {
  agent = await startCorrosionAgent()
}, 30_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

async function startNode1(agentUrl = agent.url) {
  const stack = new AsyncDisposableStack()
  const nats: NatsServer = stack.use(await startNatsServer({ nodeIds: ['node1'] }))
  const config = configOf({ NATS_URL: nats.url, AGENT_URL: agentUrl })
  const node1 = stack.use(await startNode(config))
  await until(() => node1.bus.isConnected)
  return Object.assign(stack, { nats, bus: node1.bus, api: node1.api })
}

const named = (page: Page, name: string) => page.frames.filter((frame) => frame.name === name)
const statusesOf = (page: Page) =>
  named(page, 'status').map(({ data }) => parseStatus(JSON.parse(data)))

async function store(bus: Bus, count: number, subject = 'corro.change.observed.node1') {
  await onceConnected(bus, async ({ jetstream }) => {
    const stored = Array.from({ length: count }, (_, index) =>
      jetstream.publish(subject, JSON.stringify({ index })),
    )
    await Promise.all(stored)
  })
}

test('a page that is opened while NATS is away begins when it is there', async () => {
  await using node1 = await startNode1()
  await node1.nats.kill()
  await until(() => !node1.bus.isConnected)
  await using page = await openPage(node1.api, '?status=true')
  expect(page.frames[0]).toMatchObject({ name: 'away', data: '{"reason":"nats is not connected"}' })
  await until(() => named(page, 'status').length === 3)
  const statuses = named(page, 'status').map(({ data }) => parseStatus(JSON.parse(data)))
  expect(statuses.at(-1)?.planes.nats.state).toBe('unavailable')
  expect(page.lastId).toBe('')

  await node1.nats.start()

  await until(() => named(page, 'back').length === 1 && page.lastId !== '')
  const pk = await send(node1.api)
  await until(() => messagesIn(page, 'message.accepted').includes(pk))
  expect(named(page, 'gap')).toEqual([])
}, 20_000)

test('a server that hangs is said to be away before its connection is given up', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api)

  await stopProcess(node1.nats.pid)
  const stoppedAt = performance.now()
  try {
    await until(() => named(page, 'away').length === 1)
    expect(performance.now() - stoppedAt).toBeLessThan(3000)
  } finally {
    process.kill(node1.nats.pid, 'SIGCONT')
  }

  await until(() => named(page, 'back').length === 1)
  const pk = await send(node1.api)
  await until(() => messagesIn(page, 'message.accepted').includes(pk))
  expect(page.frames[0]?.data).toBe('{"reason":"nats does not answer"}')
}, 20_000)

test('streams that are made anew while NATS stays are a gap, and the page goes on', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api, '?topics=messages')
  await send(node1.api)
  await until(() => page.frames.length === 2)

  await onceConnected(node1.bus, async ({ jetstream }) => {
    const manager = await jetstream.jetstreamManager()
    const { config } = await manager.streams.info('RECORDS')
    await manager.streams.delete('RECORDS')
    await manager.streams.add(config)
  })
  const gap = await until(() => named(page, 'gap')[0])
  const pk = await send(node1.api)

  await until(() => messagesIn(page, 'message.accepted').includes(pk))
  expect(parseNotice(JSON.parse(gap.data)).stream).toBe('RECORDS')
}, 20_000)

test('a cursor of another cluster is a gap in every stream', async () => {
  await using node1 = await startNode1()
  const place = { incarnation: '2026-01-15T10:00:00.5Z', sequence: 7 }
  const cursor = encodeCursor({ RECORDS: place, CHANGES: place })

  await using page = await openPage(node1.api, `?cursor=${encodeURIComponent(cursor)}`)

  await until(() => named(page, 'gap').length === 2)
  const pk = await send(node1.api)
  await until(() => messagesIn(page, 'message.accepted').includes(pk))
})

test('what breaks its contract is marked, and everything has the time of its storing', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api, '?subjects=corro.ack.>&topics=messages')
  const before = Date.now()
  await store(node1.bus, 1, 'corro.ack.received.node7')
  await store(node1.bus, 1)
  await send(node1.api)

  await until(() => page.frames.length === 3)
  const [broken, ...whole] = page.events()
  expect(broken?.violation).toContain('does not fit its contract')
  expect(whole.map(({ violation }) => violation)).toEqual([undefined, undefined])
  for (const { at } of page.events()) {
    expect(Math.abs(Date.parse(at ?? '') - before)).toBeLessThan(10_000)
  }
})

test('above its rate a page is told how much it was not shown, and it resumes behind all of it', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api, '?topics=changes&rate=10')
  await using all = await openPage(node1.api, '?topics=changes')

  await store(node1.bus, 200)
  await until(() => all.frames.length === 200)
  const skipped = () =>
    named(page, 'skipped').reduce(
      (sum, { data }) => sum + (parseNotice(JSON.parse(data)).count ?? 0),
      0,
    )
  const shown = () => named(page, 'change.observed').length

  await until(() => skipped() + shown() === 200)
  expect(shown()).toBeLessThanOrEqual(20)
  await until(() => page.lastId === all.lastId)
})

test('of a hint that comes often a page is shown the latest, four times a second', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api, '?topics=presence')
  const [node2, node3] = [newPeer('node2'), newPeer('node3')]
  const regions = Array.from({ length: 50 }, (_, index) => `r${index}`)

  for (const peer of [node2, node3]) {
    for (const region of regions) {
      const announcement = { ...announcementOf(peer), region }
      node1.bus.hint(nodeAnnounced, { nodeId: peer.nodeId }, announcement)
    }
  }

  const last = (nodeId: string) =>
    named(page, 'hint.node')
      .map(({ data }) => nodeAnnounced.parse(parseEvent(JSON.parse(data)).payload))
      .findLast((payload) => payload.nodeId === nodeId)
  await until(() => last('node2')?.region === 'r49' && last('node3')?.region === 'r49')
  expect(page.frames.length).toBeLessThanOrEqual(4)
})

test('the status comes each second to those who want it, and a sign of life to all', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api, '?status=true')
  await using other = await openPage(node1.api)

  // What the first looks find may change it, which is told at once.
  await until(() => statusesOf(page).at(-1)?.planes.nats.state === 'ok')
  const settled = named(page, 'status').length

  await until(() => named(page, 'status').length === settled + 3)

  const later = statusesOf(page).slice(settled)
  const times = later.map(({ observed_at: at }) => Date.parse(at))
  for (const [index, time] of times.slice(1).entries()) {
    expect(time - (times[index] ?? 0)).toBeGreaterThan(500)
  }
  expect(other.beats).toBeGreaterThanOrEqual(3)
  expect(named(other, 'status')).toEqual([])
})

test('a status that changed comes with the look that found it, not with the next second', async () => {
  await using own = await startCorrosionAgent()
  await using node1 = await startNode1(own.url)
  await using page = await openPage(node1.api, '?status=true')
  const states = () => statusesOf(page).map(({ planes }) => planes.corrosion.state)
  await until(() => states().at(-1) === 'degraded')

  await own.kill('SIGKILL')

  const told = await until(async () => {
    const records = await readStream(node1.bus, 'LIFECYCLE')
    return records
      .map(({ text }) => clusterChanged.parse(JSON.parse(text)))
      .find(({ subject, to }) => subject === 'corrosion' && to === 'unavailable')
  })
  await until(() => states().includes('unavailable'))
  const shown = statusesOf(page).find(({ planes }) => planes.corrosion.state === 'unavailable')
  expect(Date.parse(shown?.observed_at ?? '') - Date.parse(told.at)).toBeLessThan(100)
}, 20_000)

/** The route alone, asked by one whose token may be revoked. */
async function startRoute() {
  const stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsServer())
  const bus = stack.use(connectBus({ url: nats.url, name: 'test', log: silent }))
  await until(() => bus.isConnected)
  const right = { isGood: true }
  const principal: Principal = {
    name: 'somebody',
    role: 'viewer',
    expiresAt: null,
    tokenId: 'one',
    isStillGood: () => right.isGood,
  }
  const currentStatus = () => {
    throw new Error('unreachable: nobody wants the status')
  }
  const live = stack.use(createLive({ bus, log: silent, currentStatus }))
  const app = createBareApp()
  app.addHook('onRequest', async (request) => {
    request.principal = principal
  })
  registerEvents(app, { live, log: silent })
  stack.defer(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(stack, { bus, right, url })
}

test('whose right ended is told so within two seconds, and shown nothing any more', async () => {
  await using route = await startRoute()
  await using page = await openPage(route)

  route.right.isGood = false
  const endedAt = performance.now()
  await until(() => page.isOver)

  expect(performance.now() - endedAt).toBeLessThan(2000)
  expect(page.frames.map(({ name }) => name)).toEqual(['denied'])
})

test('a token has fifty streams; a closed one makes room', async () => {
  await using route = await startRoute()
  const pages = await Promise.all(Array.from({ length: 50 }, () => openPage(route)))

  const refused = await fetch(`${route.url}/api/events`)
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({
    detail: '50 streams of this token are open, close one',
  })
  await pages[0]?.[Symbol.asyncDispose]()
  await until(async () => {
    const { status, body } = await fetch(`${route.url}/api/events`)
    await body?.cancel()
    return status === 200
  })
  for (const page of pages) await page[Symbol.asyncDispose]()
})
