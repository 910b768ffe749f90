import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  type ChangeObserved,
  changeObserved,
  type MessageReceived,
  messageReceived,
} from '@corroport/contracts'
import { createTemporaryFolder, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { jetstreamManager, type StreamAPI, type StreamConfig } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pino from 'pino'
import { openBus, openState, publishRaw, stored, tellReceived } from './harness.ts'

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

test('events told while an older copy of the store is made and put back are all there, once', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  await using state = openState(bus)
  const told: string[] = []
  const tellWhile = async (isGoing: () => boolean): Promise<void> => {
    while (isGoing()) {
      const id = `m${told.length}`
      told.push(id)
      tellReceived(state, id)
      await setImmediate()
    }
  }
  const confirmed = (): number => told.length - state.unconfirmed()
  await tellWhile(() => confirmed() < 200)
  const copy = `${nats.storeFolder}-copy`
  let isCopied = false
  const copied = cp(nats.storeFolder, copy, { recursive: true }).then(() => {
    isCopied = true
  })
  await tellWhile(() => !isCopied)
  await copied
  const before = confirmed()
  await tellWhile(() => confirmed() < before + 200)

  await nats.kill()
  nats.wipe()
  await cp(copy, nats.storeFolder, { recursive: true })
  tellReceived(state, 'later')
  await nats.start()

  await until(() => bus.isConnected && state.unconfirmed() === 0)
  expect((await ids(nats.url)).toSorted()).toEqual(
    [...told, 'later'].map((id) => `received.node1.gossip.${id}`).toSorted(),
  )
})

test('what a store that went back has lost is told again by the next process, though others wrote meanwhile', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  const copy = `${nats.storeFolder}-copy`
  await tellAll(nats.url, folder.path, 'm1', 'm2')
  await nats.kill()
  await cp(nats.storeFolder, copy, { recursive: true })
  await nats.start()
  await tellAll(nats.url, folder.path, 'm3', 'm4')

  await nats.kill()
  nats.wipe()
  await cp(copy, nats.storeFolder, { recursive: true })
  await nats.start()
  for (const subject of ['corro.message.received.node2', 'corro.message.received.node3']) {
    await publishRaw(nats.url, subject, '{}')
  }
  await tellAll(nats.url, folder.path, 'm5')

  expect((await ids(nats.url)).filter(Boolean).toSorted()).toEqual(
    ['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => `received.node1.gossip.${id}`),
  )
})

test('of what nats still has, only the newest is told again', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  await tellAll(nats.url, folder.path, 'm1', 'm2', 'm3')
  await using listener = await listen(nats.url)

  await tellAll(nats.url, folder.path, 'm4')

  await until(() => listener.heard.includes('m4'))
  expect(listener.heard).toEqual(['m3', 'm4'])
})

test('where no stream takes the newest for a while, what nats had confirmed is not told again', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  await tellAll(nats.url, folder.path, 'm1', 'm2', 'm3')
  // So the server would take the first again, once it has forgotten the ids of what it does not have.
  await changeStreams(nats.url, (streams) => streams.deleteMessage('RECORDS', 1))
  await nats.kill()
  await nats.start()
  const { config } = await changeStreams(nats.url, (streams) => streams.info('RECORDS'))
  await changeRecords(nats.url, { subjects: ['corro.ack.>'] })

  await using bus = openBus(nats.url)
  const lines: string[] = []
  const log = pino({}, { write: (line) => void lines.push(line) })
  await using state = openState(bus, folder.path, log)
  await until(() => lines.some((line) => line.includes('events wait for nats')))
  await changeRecords(nats.url, { subjects: config.subjects })
  tellReceived(state, 'm4')

  await until(() => state.unconfirmed() === 0)
  expect(await ids(nats.url)).toEqual(['m2', 'm3', 'm4'].map((id) => `received.node1.gossip.${id}`))
})

test('a process that was never answered what nats still has leaves it to the next to tell everything', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  await tellAll(nats.url, folder.path, 'm1', 'm2', 'm3')
  await nats.kill()
  nats.wipe()
  await nats.start()
  await changeRecords(nats.url, { no_ack: true })
  {
    await using bus = openBus(nats.url)
    await using _state = openState(bus, folder.path)
    await until(async () => (await ids(nats.url)).length === 1)
  }
  await changeRecords(nats.url, { no_ack: false })

  await tellAll(nats.url, folder.path, 'm4')

  expect((await ids(nats.url)).toSorted()).toEqual(
    ['m1', 'm2', 'm3', 'm4'].map((id) => `received.node1.gossip.${id}`),
  )
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

test('a process whose state file can no longer be written ends', async () => {
  using folder = createTemporaryFolder()
  const program = join(import.meta.dirname, 'damaged-state.ts')
  const child = spawn(process.execPath, [program, 'nats://127.0.0.1:1', folder.path], {
    stdio: 'ignore',
  })
  using _child = { [Symbol.dispose]: () => child.kill('SIGKILL') }

  expect(await once(child, 'exit')).toEqual([1, null])
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

/** By a process of its own, which ends when NATS has confirmed them. */
async function tellAll(url: string, folder: string, ...messageIds: string[]): Promise<void> {
  await using bus = openBus(url)
  await using state = openState(bus, folder)
  tellReceived(state, ...messageIds)
  await until(() => bus.isConnected && state.unconfirmed() === 0)
}

/** The ids of all messages that are told from now on, stored or not. */
async function listen(url: string) {
  const nats = await connect({ servers: url })
  const heard: string[] = []
  nats.subscribe(messageReceived.wildcard, {
    callback: (_, message) => void heard.push(message.json<MessageReceived>().messageId),
  })
  await nats.flush()
  return { heard, [Symbol.asyncDispose]: () => nats.close() }
}

async function changeRecords(url: string, change: Partial<StreamConfig>): Promise<void> {
  await changeStreams(url, (streams) => streams.update('RECORDS', change))
}

async function changeStreams<T>(url: string, change: (streams: StreamAPI) => Promise<T>) {
  const nats = await connect({ servers: url })
  const changed = await change((await jetstreamManager(nats)).streams)
  await nats.close()
  return changed
}

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
