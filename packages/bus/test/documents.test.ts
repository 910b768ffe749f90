import { type Documents, openDocuments } from '@corroport/bus'
import { createParser, rolloutBucket } from '@corroport/contracts'
import { type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { openBus, publishRaw } from './harness.ts'

let nats: NatsServer
beforeAll(async () => {
  nats = await startNatsServer()
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
})

const Note = Type.Object({ text: Type.String() })
const parse = createParser('note', Note)

async function open(stack: AsyncDisposableStack): Promise<Documents<{ text: string }>> {
  const bus = stack.use(openBus(nats.url))
  await until(() => bus.isConnected)
  const documents = stack.use(openDocuments(bus, rolloutBucket.name, parse))
  await until(() =>
    documents.get('none').then(
      () => true,
      () => false,
    ),
  )
  return documents
}

test('of two that write from one revision the second is refused', async () => {
  await using stack = new AsyncDisposableStack()
  const first = await open(stack)
  const second = await open(stack)

  const created = (await first.create('a', { text: 'one' })) ?? 0
  expect(created).toBeGreaterThan(0)
  expect(await second.create('a', { text: 'two' })).toBeUndefined()

  const updated = (await second.update('a', { text: 'three' }, created)) ?? 0
  expect(updated).toBeGreaterThan(created)
  expect(await first.update('a', { text: 'four' }, created)).toBeUndefined()
  expect(await first.get('a')).toEqual({ value: { text: 'three' }, revision: updated })
})

test('a deleted document can be made again, and only by one', async () => {
  await using stack = new AsyncDisposableStack()
  const first = await open(stack)
  const second = await open(stack)
  const revision = (await first.create('b', { text: 'one' })) ?? 0

  expect(await second.delete('b', revision - 1)).toBe(false)
  expect(await second.delete('b', revision)).toBe(true)
  expect(await first.get('b')).toBeUndefined()

  const created = await Promise.all([
    first.create('b', { text: 'two' }),
    second.create('b', { text: 'three' }),
  ])
  expect(created.filter((made) => made !== undefined)).toHaveLength(1)
})

test('what does not fit its shape is neither written nor given out', async () => {
  await using stack = new AsyncDisposableStack()
  const documents = await open(stack)
  await publishRaw(nats.url, `$KV.${rolloutBucket.name}.c`, '{"text":1}')

  await expect(documents.get('c')).rejects.toThrow('does not fit its contract')
  const wrong = documents.create('d', { text: 1 } as never)
  await expect(wrong).rejects.toThrow('does not fit its contract')
})

test('it throws while nats is away, and goes on afterwards; a wiped store has no documents', async () => {
  await using stack = new AsyncDisposableStack()
  const documents = await open(stack)
  const revision = (await documents.create('e', { text: 'one' })) ?? 0

  await nats.kill()
  await until(() =>
    documents.get('e').then(
      () => false,
      () => true,
    ),
  )
  await expect(documents.update('e', { text: 'two' }, revision)).rejects.toThrow(/not connected/)

  await nats.start()
  const held = await until(() => documents.get('e').catch(() => undefined))
  expect(held).toEqual({ value: { text: 'one' }, revision })

  await nats.kill()
  nats.wipe()
  await nats.start()
  await until(() =>
    documents.get('e').then(
      (found) => found === undefined,
      () => false,
    ),
  )
  expect(await documents.update('e', { text: 'two' }, revision)).toBeUndefined()
})
