import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { createTemporaryFolder, freePort } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { createReceipts, migrations, type Sighting } from '../src/receipts.ts'

async function openReceipts() {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const log = pino({ level: 'silent' })
  const url = `nats://127.0.0.1:${await freePort()}`
  const bus = stack.use(connectBus({ url, name: 'test', log }))
  const path = join(folder.path, 'state.sqlite')
  const state = stack.use(openStateFile({ path, migrations, bus, log }))
  return Object.assign(stack, { receipts: createReceipts(state, 'node1'), state })
}

function sighting(messageId: string, change: Partial<Sighting> = {}): Sighting {
  return {
    transport: 'gossip',
    messageId,
    originNodeId: 'node2',
    via: 'updates',
    seenAt: '2026-01-15T10:00:00.000000Z',
    rowVersion: 'v1',
    ...change,
  }
}

const answer = {
  endpoint: '127.0.0.1:5002',
  sentAt: '2026-01-15T10:00:00.001000Z',
  confirmedAt: '2026-01-15T10:00:00.002000Z',
}

test('old receipts are forgotten, what is owed is not', async () => {
  await using opened = await openReceipts()
  const { receipts } = opened
  const confirmed = receipts.see(sighting('node2_A'))
  receipts.see(sighting('node2_B'))
  const recent = receipts.see(sighting('node2_C', { seenAt: '2026-01-15T12:00:00.000000Z' }))
  if (!confirmed || !recent) throw new Error('not owed at first sight')
  receipts.confirm([{ owed: confirmed, ...answer }])
  receipts.confirm([{ owed: recent, ...answer }])

  const forgotten = receipts.purge('2026-01-15T11:00:00.000000Z', 100)

  expect(forgotten).toBe(1)
  const { receptions } = receipts.query({ min: 1, limit: 10 })
  expect(receptions.map(({ pk, acknowledgement }) => [pk, acknowledgement])).toEqual([
    ['node2_C', 'confirmed'],
    ['node2_B', 'owed'],
  ])
})

test('an outcome that comes twice is told once', async () => {
  await using opened = await openReceipts()
  const { receipts, state } = opened
  const owed = receipts.see(sighting('node2_A'))
  if (!owed) throw new Error('not owed at first sight')

  receipts.confirm([{ owed: owed, ...answer }])
  receipts.confirm([{ owed: owed, ...answer }])
  receipts.giveUp([{ owed, attempts: 1, reason: 'too old' }])

  // message.received and ack.sent.
  expect(state.unconfirmed()).toBe(2)
  expect(receipts.summarizeOwed()).toEqual({ count: 0, oldest: null })
})

test('the same id on both transports is two receipts', async () => {
  await using opened = await openReceipts()
  const { receipts } = opened

  expect(receipts.see(sighting('node2_A'))).toBeDefined()
  expect(receipts.see(sighting('node2_A', { transport: 'direct', via: 'direct' }))).toBeDefined()
})
