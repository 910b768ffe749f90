// Everything that services do with the bus, each as its user: the server refuses nobody anything.
import { join } from 'node:path'
import {
  type Bus,
  connectBus,
  consume,
  consumeBatches,
  deleteRecord,
  findStreamHeads,
  followTokens,
  lookAtServer,
  on,
  onceConnected,
  openDocuments,
  openStateFile,
  readOne,
  readPast,
  tail,
} from '@corroport/bus'
import {
  analyticsDurables,
  createParser,
  lifecycleReady,
  messageReceived,
  nodeDescribed,
  rolloutBucket,
  subscriberDurable,
  subscriberStatusQueried,
} from '@corroport/contracts'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pino from 'pino'
import { Type } from 'typebox'
import { deploy } from './deploy.ts'
import { type NatsWithUsers, startNatsWithUsers } from './nats-with-users.ts'

const log = pino({ level: 'silent' })
const folder = createTemporaryFolder()
let nats: NatsWithUsers

beforeAll(async () => {
  nats = await startNatsWithUsers(['node1', 'node2'])
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

function openAs(user: string, claimed?: string): Bus {
  const claim = claimed && { names: [claimed], instanceId: user, holder: 'test' }
  return connectBus({ ...nats.access(user), name: user, log, ...(claim && { claim }) })
}

function received(messageId: string) {
  const receivedAt = '2026-01-01T00:00:00.000000Z'
  const about = { nodeId: 'node1', originNodeId: 'node2', transport: 'gossip' as const }
  return { ...about, messageId, via: 'updates' as const, receivedAt }
}

test('a service holds its name, tells, and hears by its durable what nobody refuses', async () => {
  await using bus = openAs('ack-sender-node1', 'node1.ack-sender')
  await using state = openStateFile({
    path: join(folder.path, 'ack-sender.sqlite'),
    migrations: [],
    bus,
    log,
  })
  state.transaction((tell) => {
    for (const messageId of ['m1', 'm2', 'm3']) {
      tell(messageReceived, { nodeId: 'node1' }, received(messageId))
    }
  })
  await until(() => bus.isConnected && state.unconfirmed() === 0)
})

test('a record that is refused is set aside by whoever refused it', async () => {
  await using manager = openAs('config-manager-node1')
  await using subscriber = openAs('subscriber-node1', 'node1.subscriber')
  await using gateway = openAs('gateway-node1')
  await using _consumption = consume({
    bus: subscriber,
    log,
    service: 'subscriber',
    durable: subscriberDurable('node1'),
    handlers: [on(lifecycleReady, () => undefined)],
  })

  await onceConnected(manager, async ({ jetstream }) => {
    await jetstream.publish('corro.lifecycle.ready.node1', '{}')
  })

  const filters = ['corro.dead.>']
  const [letter] = await until(async () => {
    if (!gateway.isConnected) return false
    const { records } = await readPast(gateway, { filters, limit: 5, timeoutMs: 2000 })
    return records.length > 0 && records
  })
  expect(letter?.subject).toBe('corro.dead.subscriber')
  const sequence = letter?.sequence ?? 0
  expect(await readOne(gateway, 'DEAD', sequence, 2000)).toMatchObject({ sequence })
  expect(await deleteRecord(gateway, 'DEAD', sequence, 2000)).toBe(true)
})

test('a gateway reads on every stream, sees how NATS is, and follows the tokens', async () => {
  await deploy(['first-token', '--token-file', join(nats.dir, 'admin.token')], {
    NATS_URL: nats.url,
    NATS_USER: 'migrate',
    NATS_PASSWORD: nats.passwordOf('migrate'),
  })
  await using bus = openAs('gateway-node2', 'node2.gateway')
  await until(() => bus.isConnected)
  const heads = await findStreamHeads(bus, 2000)
  const read: string[] = []
  const stopping = new AbortController()
  const from = Object.fromEntries(
    heads.map(({ stream, incarnation, first }) => [stream, { incarnation, sequence: first - 1 }]),
  )
  const tailing = onceConnected(bus, (connection) =>
    tail({
      connection,
      from,
      onRecord: ({ subject }) => void read.push(subject),
      signal: stopping.signal,
    }),
  )
  await until(() => read.length >= 4)
  stopping.abort()
  await tailing

  expect(await lookAtServer(bus, 'node2', 2000)).toMatchObject({ writeError: null })

  const names: string[] = []
  await using _following = followTokens({
    bus,
    log,
    copy: { get: () => undefined, all: () => [], put: ({ name }) => void names.push(name) },
    onSame: () => undefined,
    onFailure: (reason) => names.push(reason),
  })
  await until(() => names.length > 0)
  expect(names).toEqual(['admin'])
})

test('a config-manager writes the documents of rollouts', async () => {
  await using bus = openAs('config-manager-node2', 'node2.config-manager')
  await using documents = openDocuments(
    bus,
    rolloutBucket.name,
    createParser('document', Type.Object({ text: Type.String() })),
  )
  await until(
    () =>
      bus.isConnected &&
      documents.get('one').then(
        () => true,
        () => false,
      ),
  )

  const revision = await documents.create('one', { text: 'first' })
  const next = await documents.update('one', { text: 'second' }, revision ?? 0)

  expect((await documents.get('one'))?.value).toEqual({ text: 'second' })
  expect(await documents.delete('one', next ?? 0)).toBe(true)
})

test('analytics reads by its durables, and from the stream what they do not give again', async () => {
  const durable = analyticsDurables.find(({ stream }) => stream === 'RECORDS')
  if (!durable) throw new Error('analytics has no durable on RECORDS')
  const readAll = async () => {
    await using bus = openAs('analytics')
    const sequences: number[] = []
    await using reading = consumeBatches({
      bus,
      log,
      service: 'analytics',
      durable,
      position: async () => 0,
      read: ({ sequence }) => sequence,
      handle: async (batch) => void sequences.push(...batch),
    })
    await until(() => sequences.length >= 3 && reading.isBound)
    return sequences
  }

  expect(await readAll()).toEqual([1, 2, 3])
  expect(await readAll()).toEqual([1, 2, 3])
})

test('questions are answered, to nodes and to analytics', async () => {
  await using gateway = openAs('gateway-node1')
  await using other = openAs('gateway-node2')
  await using subscriber = openAs('subscriber-node2')
  await using _status = subscriber.respond(subscriberStatusQueried, { nodeId: 'node2' }, () => ({
    tables: [],
  }))
  await using _description = other.respond(nodeDescribed, { nodeId: 'node2' }, () => {
    throw new Error('says why not')
  })

  await until(() => gateway.isConnected && subscriber.isConnected && other.isConnected)
  const reply = await until(() =>
    gateway.request(subscriberStatusQueried, { nodeId: 'node2' }, {}).catch(() => undefined),
  )
  expect(reply).toEqual({ tables: [] })
  await expect(gateway.request(nodeDescribed, { nodeId: 'node2' }, {})).rejects.toThrow(
    'says why not',
  )
})

test('the server has refused nobody anything', () => {
  const lines = nats.log().split('\n')

  expect(lines.filter((line) => /violation/i.test(line))).toEqual([])
})
