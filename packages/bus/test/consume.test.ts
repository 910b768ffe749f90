import { applyStreams, consume, on, TerminalError } from '@corroport/bus'
import { type DurableDefinition, deadLettered, messageReceived } from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  openBus,
  openState,
  publishRaw,
  received,
  silent,
  stored,
  tellReceived,
} from './harness.ts'

const durable: DurableDefinition = {
  name: 'reader',
  stream: 'RECORDS',
  filters: ['corro.message.received.node1'],
  answers: 'each',
  ackWaitMs: 1000,
  maxAckPending: 100,
}

const makeDurable = (url: string) => applyStreams({ url, streams: [], durables: [durable] })

test('each record is handled once and in order', async () => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const handled: string[] = []
  await using _reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [on(messageReceived, ({ messageId }) => void handled.push(messageId))],
  })

  tellReceived(state, 'm1', 'm2', 'm3')

  await until(() => handled.length === 3)
  expect(handled).toEqual(['m1', 'm2', 'm3'])
})

test('a handler that throws sees the record again', async () => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  let attempts = 0
  await using _reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [
      on(messageReceived, () => {
        attempts += 1
        if (attempts === 1) throw new Error('disk full')
      }),
    ],
  })

  tellReceived(state, 'm1')

  await until(() => attempts === 2)
})

test.each([
  ['is not JSON', '{"nodeId"', 'payload is not JSON'],
  ['does not fit its contract', '{"nodeId":"node1"}', 'does not fit its contract'],
])('a record that %s goes to DEAD and the next is handled', async (_, bytes, reason) => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const handled: string[] = []
  await using _reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [on(messageReceived, ({ messageId }) => void handled.push(messageId))],
  })

  await publishRaw(nats.url, 'corro.message.received.node1', bytes)
  tellReceived(state, 'm2')

  await until(() => handled.length === 1)
  const [letter] = await until(async () => {
    const letters = await stored(nats.url, 'DEAD')
    return letters.length > 0 && letters
  })
  const dead = deadLettered.parse(letter?.json())
  expect(dead.reason).toContain(reason)
  expect(Buffer.from(dead.payload, 'base64').toString()).toBe(bytes)
})

test('a record that a handler refuses for ever goes to DEAD at once', async () => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  let attempts = 0
  await using _reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [
      on(messageReceived, () => {
        attempts += 1
        throw new TerminalError('no such table')
      }),
    ],
  })

  tellReceived(state, 'm1')

  const [letter] = await until(async () => {
    const letters = await stored(nats.url, 'DEAD')
    return letters.length > 0 && letters
  })
  expect(deadLettered.parse(letter?.json()).reason).toBe('no such table')
  expect(attempts).toBe(1)
})

test('a stop waits for the running handler and keeps what it told', async () => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  const bus = openBus(nats.url)
  const state = openState(bus)
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [
      on(messageReceived, async ({ messageId }) => {
        enter()
        await released
        state.transaction((tell) =>
          tell(messageReceived, { nodeId: 'node3' }, received(messageId, { nodeId: 'node3' })),
        )
      }),
    ],
  })
  tellReceived(state, 'm1')
  await entered

  const stopped = reader[Symbol.asyncDispose]()
  release()
  await stopped
  await state[Symbol.asyncDispose]()
  await bus[Symbol.asyncDispose]()

  const messages = await stored(nats.url, 'RECORDS')
  expect(messages.map((message) => message.subject)).toContain('corro.message.received.node3')
})

test('a consumer goes on after nats was killed and its store wiped', async () => {
  await using nats = await startNatsServer()
  await makeDurable(nats.url)
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const handled = new Set<string>()
  await using _reader = consume({
    bus,
    log: silent,
    service: 'reader',
    durable,
    handlers: [on(messageReceived, ({ messageId }) => void handled.add(messageId))],
  })
  tellReceived(state, 'm1')
  await until(() => handled.has('m1'))

  await nats.kill()
  nats.wipe()
  tellReceived(state, 'm2')
  await nats.start()
  await makeDurable(nats.url)

  await until(() => handled.has('m2'))
})
