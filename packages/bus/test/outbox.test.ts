import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ChangeObserved, changeObserved } from '@corroport/contracts'
import { createTemporaryFolder, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { openBus, openState, stored, tellReceived } from './harness.ts'

const ids = async (url: string): Promise<string[]> =>
  (await stored(url, 'RECORDS')).map((message) => message.header.get('Nats-Msg-Id'))

test('an event is published once, after its effect is committed', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  await using state = openState(bus)

  tellReceived(state, 'm1', 'm2')

  await until(() => state.unconfirmed() === 0)
  expect(await ids(nats.url)).toEqual(['received.node1.gossip.m1', 'received.node1.gossip.m2'])
})

test('a transaction that throws leaves neither effect nor event', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  tellReceived(state, 'm1')

  expect(() => tellReceived(state, 'm2', 'm1')).toThrow('UNIQUE')

  tellReceived(state, 'm3')
  await until(() => state.unconfirmed() === 0)
  expect(await ids(nats.url)).toEqual(['received.node1.gossip.m1', 'received.node1.gossip.m3'])
})

test('events told while nats is away are published when it is there, in order', async () => {
  await using nats = await startNatsServer()
  await nats.kill()
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const told = Array.from({ length: 1000 }, (_, index) => `m${index}`)
  for (const id of told) tellReceived(state, id)
  expect(state.unconfirmed()).toBe(1000)

  await nats.start()

  await until(() => state.unconfirmed() === 0)
  expect(await ids(nats.url)).toEqual(told.map((id) => `received.node1.gossip.${id}`))
})

test('events that nats had confirmed are told again when its store was wiped', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  tellReceived(state, 'm1')
  await until(() => state.unconfirmed() === 0)

  await nats.kill()
  nats.wipe()
  tellReceived(state, 'm2')
  await nats.start()

  await until(async () => bus.isConnected && (await ids(nats.url)).length === 2)
  expect(await ids(nats.url)).toEqual(['received.node1.gossip.m1', 'received.node1.gossip.m2'])
})

test('events of a killed process are published by the next, none twice', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  const writer = spawn(
    process.execPath,
    [join(import.meta.dirname, 'outbox-writer.ts'), nats.url, folder.path, '400'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  // Killed in the middle: some are confirmed, some are not.
  for await (const chunk of writer.stdout) if (String(chunk).includes('200')) break
  writer.kill('SIGKILL')
  await once(writer, 'exit')

  await using bus = openBus(nats.url)
  await using state = openState(bus, folder.path)

  await until(() => bus.isConnected && state.unconfirmed() === 0)
  const effects = state.db.prepare('SELECT id FROM effect ORDER BY rowid').all()
  expect(effects.length).toBeGreaterThanOrEqual(200)
  expect((await ids(nats.url)).toSorted()).toEqual(
    effects.map(({ id }) => `received.node1.gossip.${String(id)}`).toSorted(),
  )
})

test('a state file is refused to a second process', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  using folder = createTemporaryFolder()
  await using state = openState(bus, folder.path)

  expect(() => openState(bus, folder.path)).toThrow('in use by another process')
  tellReceived(state, 'm1')
})

test('an event that does not fit its contract, or is too large, is refused where it is told', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const tellRow = (text: string) =>
    state.transaction((tell) => tell(changeObserved, { nodeId: 'node1' }, changeOf({ text })))

  expect(() => tellReceived(state, 'x'.repeat(200))).toThrow('does not fit its contract')
  expect(() => tellRow('x'.repeat(1_000_000))).toThrow('larger than an event may be')
  // Three bytes each.
  expect(() => tellRow('漢'.repeat(333_400))).toThrow('larger than an event may be')
  expect(state.unconfirmed()).toBe(0)

  tellRow('x'.repeat(999_000))
  await until(() => state.unconfirmed() === 0)
})

function changeOf(row: ChangeObserved['row']): ChangeObserved {
  return {
    nodeId: 'node1',
    table: 'note',
    key: ['a'],
    keyDigest: 'a',
    change: 'insert',
    rowVersion: 'b',
    row,
    writes: [],
    via: 'updates',
    observedAt: '2026-01-15T10:00:00Z',
  }
}
