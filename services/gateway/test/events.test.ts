import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onceConnected } from '@corroport/bus'
import { experimentFinished, experimentProgressed, nodeAnnounced } from '@corroport/contracts'
import {
  type CorrosionAgent,
  type NatsServer,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  ackOf,
  announce,
  announcementOf,
  configOf,
  detailOf,
  newFolder,
  newPeer,
  send,
  startNode,
} from './harness.ts'
import { type Frame, messagesIn, openPage, type Page, parseEvent } from './live-page.ts'

let agent: CorrosionAgent
beforeAll(async () => {
  agent = await startCorrosionAgent()
}, 30_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

async function startNode1() {
  const stack = new AsyncDisposableStack()
  const nats: NatsServer = stack.use(await startNatsServer({ nodeIds: ['node1'] }))
  const config = configOf({ NATS_URL: nats.url, AGENT_URL: agent.url })
  const node1 = stack.use(await startNode(config))
  await until(() => node1.bus.isConnected)
  const { bus, api, peer, metrics } = node1
  return Object.assign(stack, { nats, config, bus, api, peer, metrics })
}

test('a page is shown what happens, in the words of the records', async () => {
  await using node1 = await startNode1()
  const node2 = newPeer('node2')
  await announce(node1.bus, node1.api, node2)
  await using page = await openPage(node1.api)

  const pk = await send(node1.api)
  await node1.peer.post('/api/acknowledge', ackOf(node2, pk))
  node1.bus.hint(nodeAnnounced, { nodeId: 'node2' }, announcementOf(node2))

  await until(() => page.frames.length >= 4)
  expect(page.frames.map(({ name }) => name).toSorted()).toEqual([
    'ack.received',
    'hint.node',
    'message.accepted',
    'message.sent',
  ])
  expect(messagesIn(page, 'ack.received')).toEqual([pk])
  for (const { id, name, data } of page.frames) {
    expect(parseEvent(JSON.parse(data)).cursor).toBe(name === 'hint.node' ? null : id)
  }
})

const fixtures = join(import.meta.dirname, '../../../packages/contracts/fixtures')
const fixtureOf = (name: string) => JSON.parse(readFileSync(join(fixtures, name), 'utf8'))

test('a page that comes back sees how far an experiment is, and the end that it missed', async () => {
  await using node1 = await startNode1()
  const progress = experimentProgressed.parse(fixtureOf('hint-experiment.json'))
  const end = experimentFinished.parse(fixtureOf('experiment-finished.json'))
  const tell = () => node1.bus.hint(experimentProgressed, progress, progress)
  const shown = '?subjects=corro.hint.experiment.*,corro.experiment.>'
  const before = await openPage(node1.api, shown)
  tell()
  await until(() => before.frames.length === 1)
  await before[Symbol.asyncDispose]()
  await onceConnected(node1.bus, async ({ jetstream }) => {
    await jetstream.publish(experimentFinished.subject(end), JSON.stringify(end))
  })

  await using after = await openPage(node1.api, shown, { 'last-event-id': before.lastId })
  tell()

  await until(() => after.frames.length === 2)
  const payloads = (page: Page) =>
    page.frames.map(({ data }) => parseEvent(JSON.parse(data)).payload)
  expect(payloads(before)).toEqual([progress])
  expect(payloads(after)).toEqual(expect.arrayContaining([progress, end]))
})

test('two pages see the same, each what it asked for', async () => {
  await using node1 = await startNode1()
  await using all = await openPage(node1.api)
  await using accepted = await openPage(node1.api, '?subjects=corro.message.accepted.*,corro.ack.>')

  const pk = await send(node1.api)

  await until(() => all.frames.length === 2 && accepted.frames.length === 1)
  expect(messagesIn(accepted, 'message.accepted')).toEqual([pk])
})

test('a page that got nothing yet resumes where it was opened', async () => {
  await using node1 = await startNode1()
  const page = await openPage(node1.api)
  await page[Symbol.asyncDispose]()
  const pk = await send(node1.api)

  await using again = await openPage(node1.api, '', { 'last-event-id': page.lastId })

  await until(() => again.frames.length === 2)
  expect(messagesIn(again, 'message.sent')).toEqual([pk])
})

// Streams are read side by side, so another look may stand elsewhere in those that are not compared.
const withoutPlace = ({ data }: Frame) => ({ ...parseEvent(JSON.parse(data)), cursor: null })

test.each(['a page that was away for a moment', 'a page whose gateway was restarted'])(
  '%s gets what it missed from each place on, once, and then what is new',
  async (kind) => {
    await using node1 = await startNode1()
    const first = await openPage(node1.api)
    for (let index = 0; index < 20; index += 1) await send(node1.api)
    await until(() => first.frames.length === 40)
    await first[Symbol.asyncDispose]()
    const isRestarted = kind.includes('restarted')
    await using other = isRestarted
      ? await startNode({ ...node1.config, stateDir: newFolder() })
      : undefined
    const { api, bus } = other ?? node1
    await until(() => bus.isConnected)
    const cursors = first.frames.map(({ id }) => id ?? '')

    const pages = await Promise.all(
      cursors.map((cursor) => openPage(api, `?cursor=${encodeURIComponent(cursor)}`)),
    )
    await until(() => pages.every((page, index) => page.frames.length === 39 - index))
    await send(api)

    await until(() => pages.every((page, index) => page.frames.length === 41 - index))
    for (const [index, page] of pages.entries()) {
      const missed = first.frames.slice(index + 1).map(withoutPlace)
      expect(page.frames.slice(0, missed.length).map(withoutPlace)).toEqual(missed)
      await page[Symbol.asyncDispose]()
    }
  },
  20_000,
)

test('a page stays open while NATS is away, is told so, and goes on without a gap', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api)
  await send(node1.api)
  await until(() => page.frames.length === 2)

  await node1.nats.kill()
  await until(() => page.frames.length === 3)
  await send(node1.api)
  await node1.nats.start()

  await until(() => page.frames.length === 6)
  expect(page.isOver).toBe(false)
  expect(page.frames.map(({ name }) => name)).toEqual([
    'message.sent',
    'message.accepted',
    'away',
    'back',
    'message.sent',
    'message.accepted',
  ])
}, 20_000)

test('a gap is said when the streams were wiped, and the page goes on', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api)
  const before = await send(node1.api)
  await until(() => page.frames.length === 2)

  await node1.nats.kill()
  node1.nats.wipe()
  await node1.nats.start()
  await until(() => page.frames.some(({ name }) => name === 'back'))
  const after = await send(node1.api)

  // The outbox tells again what the wiped store had confirmed, so nothing is missing in the end.
  await until(() => messagesIn(page, 'message.accepted').includes(after))
  const names = page.frames.map(({ name }) => name)
  expect(names.lastIndexOf('gap')).toBeLessThan(names.indexOf('back'))
  const gaps = page.frames.filter(({ name }) => name === 'gap')
  expect(gaps.map(({ data }) => JSON.parse(data))).toContainEqual({
    stream: 'RECORDS',
    reason: 'the stream was created anew',
  })
  expect(messagesIn(page, 'message.accepted')).toEqual([before, before, after])
}, 20_000)

test('what is no JSON is shown as text and disturbs nobody', async () => {
  await using node1 = await startNode1()
  await using page = await openPage(node1.api)
  await onceConnected(node1.bus, async ({ jetstream }) => {
    await jetstream.publish('corro.ack.received.node7', '{"broken\n\ndata: x')
    await jetstream.publish('corro.ack.received.node7', '{\n"messageId": "in lines"}')
  })
  await send(node1.api)

  await until(() => page.frames.length === 4)
  expect(
    page
      .events()
      .map(({ payload }) => payload)
      .slice(0, 2),
  ).toEqual(['{"broken\n\ndata: x', { messageId: 'in lines' }])
})

test('a page that does not read is dropped, is told so, and may resume; others go on', async () => {
  await using node1 = await startNode1()
  const slow = await fetch(`${node1.api.url}/api/events`)
  await using fast = await openPage(node1.api)
  const rows = 300
  await onceConnected(node1.bus, async ({ jetstream }) => {
    const text = JSON.stringify({ messageId: 'x'.repeat(100_000) })
    for (let index = 0; index < rows; index += 1) {
      await jetstream.publish('corro.change.observed.node1', text)
    }
  })
  await until(() => fast.frames.length === rows)

  const text = await slow.text()

  expect(text).toMatch(/\n\nevent: dropped\ndata: \{"reason":".*"\}\n\n$/)
  const taken = text.match(/event: change.observed/g)?.length ?? 0
  expect(taken).toBeLessThan(rows)
  // What it missed is more than may wait for a page, so it is read as the page takes it.
  const lastId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ''
  await using again = await openPage(node1.api, '', { 'last-event-id': lastId })
  await until(() => again.frames.length === rows - taken)
  expect(again.frames.map(({ name }) => name)).not.toContain('dropped')
}, 30_000)

test('closed pages are forgotten, and a stop ends open ones', async () => {
  const node1 = await startNode1()
  const page = await openPage(node1.api)
  const closed = await openPage(node1.api)
  const readers = async () => /corro_live_readers (\d+)/.exec(await node1.metrics.metrics())?.[1]
  expect(await readers()).toBe('2')
  await closed[Symbol.asyncDispose]()
  await until(async () => (await readers()) === '1')

  await node1.disposeAsync()

  await until(() => page.isOver)
})

test.each([
  ['?cursor=abc', 'the cursor is not one of this API'],
  ['?subjects=corro.>.x', 'is not a filter'],
  ['?subjects=a..b', 'is not a filter'],
  ['?subjects=,', 'is not a filter'],
  ['?topics=x', 'topics: "x" is none of messages, '],
  ['?topics=messages,', 'topics: "" is none of'],
  ['?rate=0', 'rate must be from 1 to 10000'],
  ['?status=perhaps', 'status must be'],
  ['?since=1', 'since is not known'],
])('/api/events%s is refused', async (query, detail) => {
  await using node1 = await startNode1()

  const answer = await node1.api.get(`/api/events${query}`)

  expect(answer.status).toBe(400)
  expect(detailOf(answer)).toContain(detail)
})
