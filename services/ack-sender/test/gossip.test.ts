import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  ackSent,
  deadLettered,
  messageReceived,
  messageSuspected,
  receptionsQueried,
  toTimestamp,
} from '@corroport/contracts'
import { freePort, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { change, startNeighbours, startNode1, startOrigin } from './harness.ts'

/** The service of node1, and node2 as an announced origin. */
async function startAll() {
  const near = await startNeighbours()
  const { nats, observer, stateDir, key } = near
  const node2 = near.use(await startOrigin(key))
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', node2.endpoint, key.publicKey)
  return Object.assign(near, { node2 })
}

test('a message of another node is acknowledged, signed, and told', async () => {
  await using all = await startAll()
  const { node2, observer } = all
  const seen = change('node2_A')

  await observer.publish(seen)

  const [sent] = await until(() => observer.told(ackSent).length === 1 && observer.told(ackSent))
  const [posted] = node2.posted
  expect(posted).toMatchObject({
    path: '/api/acknowledge',
    isSigned: true,
    body: {
      message_pk: 'node2_A',
      ack_node_id: 'node1',
      origin_node_id: 'node2',
      receipt_timestamp: seen.observedAt,
      via: 'updates',
      attempts: 1,
    },
  })
  expect(posted?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
  expect(observer.told(messageReceived)).toMatchObject([
    { nodeId: 'node1', messageId: 'node2_A', originNodeId: 'node2', receivedAt: seen.observedAt },
  ])
  expect(sent).toMatchObject({ messageId: 'node2_A', attempts: 1, endpoint: node2.endpoint })
})

test('a message gossiped twice is acknowledged once and counted twice', async () => {
  await using all = await startAll()
  const { node2, observer } = all
  const later = toTimestamp(Date.now() * 1000 + 60_000_000)

  await observer.publish(change('node2_A'))
  await observer.publish(change('node2_A', { rowVersion: 'v2', observedAt: later }))
  await observer.publish(change('node2_B'))

  await until(() => observer.told(ackSent).length === 2)
  expect(node2.ids).toEqual(['node2_A', 'node2_B'])
  const ask = (request: { pk?: string; min: number }) =>
    observer.bus.request(receptionsQueried, { nodeId: 'node1' }, { limit: 10, ...request })
  const twice = await ask({ min: 2 })
  expect(twice).toMatchObject({
    total: 1,
    receptions: [
      { pk: 'node2_A', reception_count: 2, last_seen: later, acknowledgement: 'confirmed' },
    ],
  })
  expect((await ask({ min: 1 })).receptions.map(({ pk }) => pk)).toEqual(['node2_A', 'node2_B'])
  expect(await ask({ pk: 'node2_B', min: 1 })).toMatchObject({
    total: 1,
    receptions: [{ pk: 'node2_B' }],
  })
  expect(await ask({ pk: 'node2_C', min: 1 })).toEqual({ total: 0, receptions: [] })
})

test('a redelivered event changes nothing, also after a newer state', async () => {
  await using all = await startAll()
  const { node2, observer } = all

  for (const rowVersion of ['v1', 'v1', 'v2', 'v1', 'v2']) {
    await observer.publish(change('node2_A', { rowVersion }))
  }
  await observer.publish(change('node2_B'))

  await until(() => observer.told(ackSent).length === 2)
  expect(node2.ids).toEqual(['node2_A', 'node2_B'])
  expect(observer.told(messageReceived)).toHaveLength(2)
  const { receptions } = await observer.bus.request(
    receptionsQueried,
    { nodeId: 'node1' },
    { pk: 'node2_A', min: 1, limit: 1 },
  )
  expect(receptions[0]?.reception_count).toBe(2)
})

test('own messages, deletes and other tables are ignored', async () => {
  await using all = await startAll()
  const { node2, observer } = all

  await observer.publish(change('node1_A'))
  await observer.publish(change('node2_A', { change: 'delete', row: null }))
  await observer.publish(change('node2_B', { table: 'node_configs' }))
  await observer.publish(change('node2_C'))

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.ids).toEqual(['node2_C'])
  expect(observer.told(messageReceived)).toHaveLength(1)
  expect(observer.told(messageSuspected)).toEqual([])
})

test('the endpoint in a row is never contacted; the lie is told once', async () => {
  await using all = await startAll()
  const { node2, observer } = all
  let contacts = 0
  const port = await freePort()
  const hostile = createServer(() => void (contacts += 1)).listen(port, '127.0.0.1')
  await once(hostile, 'listening')
  const claimed = `127.0.0.1:${port}`
  const lie = { originating_endpoint: claimed }
  // The comparison is with what was heard, so the announcement comes first.
  await observer.publish(change('node2_first'))
  await until(() => node2.posted.length === 1)

  await observer.publish(change('node2_A', { row: lie }))
  await observer.publish(change('node2_A', { row: lie, rowVersion: 'v2' }))
  await observer.publish(change('node2_B', { row: { originating_endpoint: node2.endpoint } }))

  await until(() => observer.told(ackSent).length === 3)
  // Those of one origin are sent side by side.
  expect(new Set(node2.ids)).toEqual(new Set(['node2_first', 'node2_A', 'node2_B']))
  expect(node2.ids).toHaveLength(3)
  expect(observer.told(messageSuspected)).toMatchObject([
    {
      messageId: 'node2_A',
      reason: 'endpoint',
      claimedEndpoint: claimed,
      announcedEndpoint: node2.endpoint,
    },
  ])
  hostile.close()
  await once(hostile, 'close')
  expect(contacts).toBe(0)
})

test('rows that cannot be messages are told once each and nothing else is disturbed', async () => {
  await using all = await startAll()
  const { node2, observer } = all

  const bad = [
    change('node2_A', { row: { node_id: 'node.*' } }),
    change('node2_B', { row: { node_id: 'node3' } }),
    change('node2_C', { row: null, omittedBytes: 2_000_000 }),
    change('node2_D', { key: ['node2_\r\nNats-Msg-Id: x'] }),
    change('node2_E', { key: ['x'.repeat(5000)] }),
    change('node2_F', { key: [5] }),
  ]
  for (const one of [...bad, ...bad]) await observer.publish(one)
  await observer.publish(change('node2_G'))

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.ids).toEqual(['node2_G'])
  await until(() => observer.told(messageSuspected).length === bad.length)
  expect(observer.told(messageReceived)).toHaveLength(1)
})

test('a malformed event goes to DEAD and the next is handled', async () => {
  await using all = await startAll()
  const { node2, observer } = all

  await observer.publishRaw('{"nodeId":"node1"}')
  await observer.publishRaw('no json')
  await observer.publish(change('node2_A'))

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.ids).toEqual(['node2_A'])
  await until(() => observer.told(deadLettered).length === 2)
})
