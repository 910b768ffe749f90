import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, connectBus } from '@corroport/bus'
import {
  fromTimestamp,
  messageAccepted,
  messageFailed,
  messageSent,
  messagesSkipped,
  nodeAnnounced,
  type ShareOrder,
  shareEnded,
  shareOrdered,
  shareQueried,
  shareStopped,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { freePort, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  announcementOf,
  neighboursOfFile,
  newFolder,
  newPeer,
  send,
  silent,
  startNode,
  told,
} from './harness.ts'

const near = neighboursOfFile()
const node1 = { nodeId: 'node1' }

function order(experimentId: string, change: Partial<ShareOrder> = {}): ShareOrder {
  return {
    experimentId,
    transports: ['gossip', 'direct'],
    slots: 40,
    origin: 0,
    origins: 1,
    intervalMs: 5,
    payloadBytes: 64,
    warmupSlots: 4,
    seed: 7215309,
    startsInMs: 0,
    ...change,
  }
}

async function sentOf(bus: Bus, experimentId: string) {
  const sent = await told(bus, messageSent)
  return sent.flatMap(({ experiment, ...message }) =>
    experiment?.id === experimentId ? { ...message, slot: experiment } : [],
  )
}

function endOf(bus: Bus, experimentId: string) {
  return until(async () =>
    (await told(bus, shareEnded)).find((event) => event.experimentId === experimentId),
  )
}

const numbers = (length: number) => Array.from({ length }, (_, number) => number)

test('a share is sent to the last slot, with both transports in turn, each message once', async () => {
  await using node = await startNode(near.configOf())
  await until(() => node.bus.isConnected)

  const { share } = await node.bus.request(shareOrdered, node1, order('counted'))
  const again = await node.bus.request(shareOrdered, node1, order('counted'))

  expect(share).toMatchObject({ state: 'running', planned: 40, reason: null })
  expect(again.share.planned).toBe(40)
  const ended = await endOf(node.bus, 'counted')
  expect(ended.share).toMatchObject({ state: 'ended', sent: 40, failed: 0, skipped: 0 })
  const sent = await sentOf(node.bus, 'counted')
  expect(sent.map(({ slot }) => slot.number)).toEqual(numbers(40))
  expect(sent.filter(({ slot }) => slot.isWarmup)).toHaveLength(4)
  expect(sent.filter(({ transport }) => transport === 'gossip')).toHaveLength(20)
  for (const { slot, sentAt, sizeBytes } of sent) {
    const intended = fromTimestamp(String(slot.intendedAt)) ?? 0
    expect(((fromTimestamp(sentAt) ?? 0) - intended) / 1000).toBeCloseTo(slot.delayMs, 3)
    expect(slot.delayMs).toBeGreaterThanOrEqual(0)
    expect(sizeBytes).toBe(64)
  }
  await using client = createCorrosionClient({ url: near.agent.url })
  const { rows } = await client.query([
    "SELECT message FROM node_messages WHERE message LIKE 'counted/%' AND length(message) = 64",
    [],
  ])
  expect(rows).toHaveLength(20)
  const { share: later } = await node.bus.request(shareQueried, node1, { experimentId: 'counted' })
  expect(later).toEqual(ended.share)
})

test('one of three origins sends every third slot', async () => {
  await using node = await startNode(near.configOf())
  await until(() => node.bus.isConnected)

  await node.bus.request(
    shareOrdered,
    node1,
    order('third', { slots: 10, origin: 1, origins: 3, transports: ['gossip'] }),
  )

  await endOf(node.bus, 'third')
  const sent = await sentOf(node.bus, 'third')
  expect(sent.map(({ slot }) => slot.number)).toEqual([1, 4, 7])
})

test('while an experiment has no plan, what a person sends belongs to it until it is stopped', async () => {
  await using node = await startNode(near.configOf())
  await until(() => node.bus.isConnected)
  const manual = order('manual', { slots: 0, warmupSlots: 1, transports: ['gossip'] })

  await node.bus.request(shareOrdered, node1, manual)
  const own = [await send(node.api), await send(node.api)]
  await send(node.api, 'hi', '/api/messages/send_direct')
  const second = await node.bus
    .request(shareOrdered, node1, { ...manual, experimentId: 'second' })
    .catch(String)
  const { share } = await node.bus.request(shareStopped, node1, {
    experimentId: 'manual',
    reason: 'enough',
  })
  await send(node.api)

  expect(second).toContain('belongs to manual')
  expect(share).toMatchObject({ state: 'ended', planned: 0, sent: 2, reason: 'enough' })
  await endOf(node.bus, 'manual')
  const sent = await sentOf(node.bus, 'manual')
  expect(sent).toMatchObject([
    { messageId: own[0], slot: { number: 0, isWarmup: true, intendedAt: null } },
    { messageId: own[1], slot: { number: 1, isWarmup: false, intendedAt: null } },
  ])
})

test('a share that is stopped sends no more, and nobody knows of one that was never ordered', async () => {
  await using node = await startNode(near.configOf())
  await until(() => node.bus.isConnected)
  await node.bus.request(shareOrdered, node1, order('stopped', { slots: 100_000 }))
  await until(async () => (await sentOf(node.bus, 'stopped')).length > 3)

  await node.bus.request(shareStopped, node1, { experimentId: 'stopped', reason: 'by hand' })

  const { share } = await endOf(node.bus, 'stopped')
  expect(share).toMatchObject({ state: 'ended', reason: 'by hand', skipped: 0 })
  await until(async () => (await sentOf(node.bus, 'stopped')).length >= share.sent)
  await send(node.api)
  expect(await sentOf(node.bus, 'stopped')).toHaveLength(share.sent)
  const unknown = { experimentId: 'never' }
  expect(await node.bus.request(shareQueried, node1, unknown)).toEqual({ share: null })
  expect(await node.bus.request(shareStopped, node1, { ...unknown, reason: '' })).toEqual({
    share: null,
  })
})

test('a node that drains ends its share, and takes no other', async () => {
  await using node = await startNode(near.configOf())
  await until(() => node.bus.isConnected)
  await node.bus.request(shareOrdered, node1, order('drained', { slots: 100_000 }))

  const announcement = { ...announcementOf(newPeer('node1')), state: 'draining' as const }
  node.bus.hint(nodeAnnounced, node1, announcement)

  const { share } = await endOf(node.bus, 'drained')
  expect(share.reason).toBe('this node is draining')
  const refused = await node.bus.request(shareOrdered, node1, order('other')).catch(String)
  expect(refused).toContain('this node is draining')
})

test('without NATS gossip goes on, and direct messages are told as failed', async () => {
  await using nats = await startNatsServer({ nodeIds: ['node1'] })
  await using node = await startNode(near.configOf({ NATS_URL: nats.url }))
  await until(() => node.bus.isConnected)
  await node.bus.request(shareOrdered, node1, order('cut', { intervalMs: 20, startsInMs: 200 }))

  await nats.kill()
  await until(async () => (await node.metrics.metrics()).includes('corro_running_shares 0'))
  await nats.start()

  const { share } = await endOf(node.bus, 'cut')
  expect(share).toMatchObject({ sent: 40, failed: 20, skipped: 0 })
  await until(async () => (await told(node.bus, messageFailed)).length >= 20)
  const failed = await told(node.bus, messageFailed)
  expect(new Set(failed.map(({ transport }) => transport))).toEqual(new Set(['direct']))
  const sent = await sentOf(node.bus, 'cut')
  const accepted = new Set((await told(node.bus, messageAccepted)).map((event) => event.messageId))
  const gossip = sent.filter(({ transport }) => transport === 'gossip')
  expect(gossip.filter(({ messageId }) => accepted.has(messageId))).toHaveLength(20)
})

/** A gateway as a process of its own, with a connection for who looks at it. A killed one holds its id for a while. */
async function startProcess(nodeId: string) {
  await using starting = new AsyncDisposableStack()
  const bus = starting.use(connectBus({ url: near.nats.url, name: 'test', log: silent }))
  const apiPort = await freePort()
  const environment = {
    PATH: process.env.PATH,
    NODE_ID: nodeId,
    NATS_URL: near.nats.url,
    AGENT_URL: near.agent.url,
    STATE_DIR: newFolder(),
    API_PORT: String(apiPort),
    PEER_PORT: String(await freePort()),
    METRICS_PORT: String(await freePort()),
  }
  let child: ChildProcess
  const finish = async (name: NodeJS.Signals): Promise<unknown[]> => {
    const ended = once(child, 'exit')
    child.kill(name)
    return await ended
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await finish('SIGKILL')
  }
  const start = async (): Promise<void> => {
    const main = join(import.meta.dirname, '../src/main.ts')
    child = spawn(process.execPath, [main], { env: environment, stdio: 'ignore' })
    await until(async () => {
      const ready = await fetch(`http://127.0.0.1:${apiPort}/health/ready`).catch(() => undefined)
      return ready?.ok ?? false
    })
  }
  starting.defer(kill)
  await start()
  return Object.assign(starting.move(), {
    bus,
    start,
    kill,
    /** Its exit code and signal. */
    end: () => finish('SIGTERM'),
    signal: (name: NodeJS.Signals) => child.kill(name),
  })
}

test('a sender that stands still for 500 ms says so in its delays, and leaves nothing out', async () => {
  await using gateway = await startProcess('node2')
  await gateway.bus.request(
    shareOrdered,
    { nodeId: 'node2' },
    order('stalled', { slots: 150, intervalMs: 10, transports: ['gossip'] }),
  )
  await until(async () => (await sentOf(gateway.bus, 'stalled')).length > 20)

  gateway.signal('SIGSTOP')
  await wait(500)
  gateway.signal('SIGCONT')

  const { share } = await endOf(gateway.bus, 'stalled')
  expect(share).toMatchObject({ sent: 150, skipped: 0 })
  const sent = await sentOf(gateway.bus, 'stalled')
  expect(sent.map(({ slot }) => slot.number)).toEqual(numbers(150))
  const delays = sent.map(({ slot }) => slot.delayMs)
  expect(Math.max(...delays)).toBeGreaterThan(450)
  // Those that were due in these 500 ms are late by what was left of them, and none is moved.
  expect(delays.filter((delay) => delay > 100).length).toBeGreaterThanOrEqual(35)
  const intended = sent.map(({ slot }) => fromTimestamp(String(slot.intendedAt)) ?? 0)
  const steps = intended.slice(1).map((at, index) => at - (intended[index] ?? 0))
  // Between its looks at the two clocks a process may lose the processor, on a busy machine.
  expect(steps.filter((step) => Math.abs(step - 10_000) > 2000).length).toBeLessThan(8)
}, 60_000)

test('told to end, it settles what it sent, and the next process goes on', async () => {
  await using gateway = await startProcess('node4')
  await gateway.bus.request(
    shareOrdered,
    { nodeId: 'node4' },
    order('handed-over', { slots: 300, intervalMs: 10 }),
  )
  await until(async () => (await sentOf(gateway.bus, 'handed-over')).length > 20)

  expect(await gateway.end()).toEqual([0, null])
  await gateway.start()

  const { share } = await endOf(gateway.bus, 'handed-over')
  const messages = await sentOf(gateway.bus, 'handed-over')
  const skipped = (await told(gateway.bus, messagesSkipped)).flatMap((event) =>
    event.experimentId === 'handed-over' ? event.numbers : [],
  )
  const sent = messages.map(({ slot }) => slot.number)
  expect([...sent, ...skipped].toSorted((a, b) => a - b)).toEqual(numbers(300))
  expect(share).toMatchObject({ sent: sent.length, skipped: skipped.length })
  const accepted = await told(gateway.bus, messageAccepted)
  const before = messages.filter(({ slot }) => slot.number < Math.min(...skipped))
  // A message whose outcome its sender had not waited for would be read back by the next process.
  expect(
    before.map(({ messageId }) => accepted.find((event) => event.messageId === messageId)),
  ).toEqual(before.map(() => expect.objectContaining({ wasReadBack: false })))
}, 60_000)

test('after a kill the slots that have passed are told as skipped, and the rest goes on', async () => {
  await using gateway = await startProcess('node3')
  await gateway.bus.request(
    shareOrdered,
    { nodeId: 'node3' },
    order('killed', { slots: 400, intervalMs: 10 }),
  )
  await until(async () => (await sentOf(gateway.bus, 'killed')).length > 20)

  await gateway.kill()
  await gateway.start()

  const { share } = await endOf(gateway.bus, 'killed')
  const sent = (await sentOf(gateway.bus, 'killed')).map(({ slot }) => slot.number)
  const skips = (await told(gateway.bus, messagesSkipped)).filter(
    ({ experimentId }) => experimentId === 'killed',
  )
  const skipped = skips.flatMap((event) => event.numbers)
  expect(skips.map(({ transport }) => transport)).toEqual(['gossip', 'direct'])
  expect(skips[0]?.reason).toBe('their time passed while the gateway did not run')
  expect([...sent, ...skipped].toSorted((a, b) => a - b)).toEqual(numbers(400))
  expect(share).toMatchObject({ planned: 400, sent: sent.length, skipped: skipped.length })
  expect(Math.max(...sent)).toBeGreaterThan(Math.max(...skipped))
}, 60_000)
