import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Bus, connectBus, openStateFile, readStream } from '@corroport/bus'
import { type Operation, operationChanged, operationQueried } from '@corroport/contracts'
import { createTemporaryFolder, type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import pino from 'pino'
import {
  answerOperationQueries,
  createOperations,
  migrations,
  type Steps,
} from '../src/operations.ts'

const log = pino({ level: 'silent' })

let folder: ReturnType<typeof createTemporaryFolder>
let nats: NatsServer
let bus: Bus

beforeEach(async () => {
  folder = createTemporaryFolder()
  nats = await startNatsServer()
  bus = connectBus({ url: nats.url, name: 'test', log })
})
afterEach(async () => {
  await bus[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

function open() {
  const path = join(folder.path, 'state.sqlite')
  const state = openStateFile({ path, migrations, bus, log })
  const operations = createOperations({ nodeId: 'node1', state, log })
  return {
    state,
    operations,
    async [Symbol.asyncDispose]() {
      await operations[Symbol.asyncDispose]()
      await state[Symbol.asyncDispose]()
    },
  }
}

/** Every state of every operation, as it was told. */
async function told(): Promise<{ version: number; operation: Operation }[]> {
  const records = await readStream(bus, 'LIFECYCLE')
  return records.map(({ text }) => operationChanged.parse(JSON.parse(text)))
}

test('each step of an operation is kept and told as it begins and ends', async () => {
  await using node = open()
  const { operations } = node

  const { operation, done } = operations.begin('restart', 'ann', async (steps) => {
    await steps.run('stop', async (detail) => {
      detail('pid 7')
      await turn()
    })
    steps.note('start', 'done', 12)
    steps.note('subscription', 'skipped', null, 'not needed')
  })

  expect(operation).toMatchObject({ state: 'running', by: 'ann', steps: [], finished_at: null })
  expect(operations.running?.id).toBe(operation.id)
  const ended = await done
  expect(ended).toMatchObject({ state: 'succeeded', reason: null })
  expect(ended.steps).toMatchObject([
    { name: 'stop', state: 'done', detail: 'pid 7' },
    { name: 'start', state: 'done', detail: null, ms: 12 },
    { name: 'subscription', state: 'skipped', detail: 'not needed', ms: null },
  ])
  expect(operations.running).toBeUndefined()
  expect(operations.find(operation.id)).toEqual(ended)
  const versions = await until(async () => {
    const list = await told()
    return list.at(-1)?.operation.state === 'succeeded' && list
  })
  expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test.each<[string, (steps: Steps) => Promise<void>]>([
  ['in a step', (steps) => steps.run('stop', () => Promise.reject(new Error('no such unit')))],
  ['at once', () => Promise.reject(new Error('no such unit'))],
])('work that fails %s fails its operation, with the reason', async (_, work) => {
  await using node = open()

  const ended = await node.operations.begin('restart', 'ann', work).done

  expect(ended).toMatchObject({ state: 'failed', reason: 'no such unit' })
  expect(ended.steps.every(({ state }) => state === 'failed')).toBe(true)
})

test('one operation runs at a time; the second is refused with the name of the first', async () => {
  await using node = open()
  const { promise, resolve } = Promise.withResolvers<void>()
  const { operation, done } = node.operations.begin('restart', 'ann', () => promise)

  expect(() => node.operations.begin('wipe', 'bob', () => Promise.resolve())).toThrow(
    expect.objectContaining({ code: 'locked', message: expect.stringContaining(operation.id) }),
  )

  resolve()
  await done
  const next = node.operations.begin('restart', 'bob', () => Promise.resolve())
  expect(await next.done).toMatchObject({ state: 'succeeded' })
})

test('what a killed process left running is interrupted at the next start', async () => {
  const first = open()
  const { operation } = first.operations.begin('join', 'ann', (steps) =>
    steps.run('seen-by-others', () => new Promise(() => undefined)),
  )
  await turn()
  // The state file is let go without a word, as a kill would.
  await first.state[Symbol.asyncDispose]()

  await using next = open()

  expect(next.operations.running).toBeUndefined()
  expect(next.operations.find(operation.id)).toMatchObject({
    state: 'interrupted',
    steps: [{ name: 'seen-by-others', state: 'failed' }],
  })
  const last = await until(async () => {
    const found = (await told()).at(-1)
    return found?.operation.state === 'interrupted' && found
  })
  expect(last.version).toBe(3)
})

test('the newest two hundred are kept, and the newest come first', async () => {
  await using node = open()
  const ids: string[] = []
  for (let count = 0; count < 203; count += 1) {
    const { operation, done } = node.operations.begin('restart', 'ann', () => Promise.resolve())
    ids.push(operation.id)
    await done
  }

  expect(node.operations.latest(1000).map(({ id }) => id)).toEqual(ids.slice(3).toReversed())
  expect(node.operations.find(ids[0] ?? '')).toBeUndefined()
})

test('others can ask for one operation, for the latest, and hear that there is none', async () => {
  await using node = open()
  const { operations } = node
  await using _answering = answerOperationQueries({ nodeId: 'node1', bus, operations })
  const { operation, done } = operations.begin('restart', 'ann', () => Promise.resolve())
  const ended = await done
  const ask = (request: { id?: string }) =>
    bus.request(operationQueried, { nodeId: 'node1' }, request)

  expect(await until(() => ask({ id: operation.id }).catch(() => undefined))).toEqual({
    operations: [ended],
  })
  expect(await ask({})).toEqual({ operations: [ended] })
  await expect(ask({ id: `node1_${'0'.repeat(26)}` })).rejects.toMatchObject({
    refusal: { code: 'not-found' },
  })
})
