import { type Bus, connectBus, onceConnected } from '@corroport/bus'
import { clockSampled, createParser, RecordsReply } from '@corroport/contracts'
import { beforeAll, expect, test } from '@jest/globals'
import { registerRecords } from '../src/routes/records.ts'
import { createBareApp, routesOfFile, silent } from './harness.ts'

const routes = routesOfFile(registerRecords)
const sample = {
  nodeId: 'node1',
  at: '2026-01-15T10:00:00.000000Z',
  offsetMs: 1,
  boundMs: 2,
  roundTripMs: 4,
  probes: 8,
  driftPpm: null,
}
const subject = clockSampled.subject(sample)

async function store(bus: Bus, subjectOfRecord: string, text: string): Promise<void> {
  await onceConnected(bus, ({ jetstream }) => jetstream.publish(subjectOfRecord, text))
}

beforeAll(async () => {
  await store(routes.bus, subject, JSON.stringify(sample))
  await store(routes.bus, subject, '{"nodeId":"node1"}')
  await store(routes.bus, subject, '{"broken')
  await store(routes.bus, 'corro.clock.sampled.node2', JSON.stringify(sample))
  await store(routes.bus, 'corro.member.unheard-of.node1', '7')
})

async function records(query: string) {
  const response = await routes.get(`/api/records?${query}`)
  return createParser('records', RecordsReply)(response.json())
}

test('records come newest first, and what does not fit its contract says why', async () => {
  const reply = await records('subjects=corro.clock.%3E')

  expect(reply.records.map(({ payload, violation }) => [payload, violation])).toEqual([
    [sample, 'its nodeId is not the node2 of its subject'],
    ['{"broken', 'the payload is no JSON'],
    [{ nodeId: 'node1' }, expect.stringContaining('does not fit its contract')],
    [sample, null],
  ])
  expect(reply).toMatchObject({ count: 4, is_cut: false, node_id: 'node1' })
  expect(reply.records.at(-1)).toMatchObject({ stream: 'SAMPLES', sequence: 1, subject })
})

test('a record of no event is shown', async () => {
  const { records: found } = await records('subjects=corro.member.%3E,corro.operation.*.node1')

  expect(found).toEqual([
    expect.objectContaining({ payload: 7, violation: 'no event has this subject' }),
  ])
})

test('older ones are cut, and it is said', async () => {
  expect(await records('limit=2')).toMatchObject({ count: 2, is_cut: true })
})

test('what was stored outside of the range is left out', async () => {
  const long = 'since=2026-01-01T00:00:00Z'

  expect((await records(`${long}&until=2026-01-02T00:00:00Z`)).count).toBe(0)
  expect((await records(`${long}&until=2999-01-01T00:00:00Z`)).count).toBe(5)
  expect((await records('since=2998-01-01T00:00:00Z')).count).toBe(0)
})

test.each([
  ['limit=0', 'limit must be from 1 to 5000'],
  ['limit=5001', 'limit must be from 1 to 5000'],
  ['limit=some', 'limit must be a whole number'],
  ['since=yesterday', 'since is malformed'],
  ['since=2026-02-30T00:00:00Z', 'since is a time that does not exist'],
  ['until=2026-02-30T00:00:00Z', 'until is a time that does not exist'],
  ['since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 'since is not before until'],
  ['subjects=corro..ack', '"corro..ack" is not a filter of NATS'],
  ['subjects=corro.%3E.ack', '"corro.>.ack" is not a filter of NATS'],
  ['subjects=corro.ack,', '"" is not a filter of NATS'],
  [`subjects=${'a,'.repeat(60)}a`, '61 filters are more than 50'],
  ['subject=corro.ack', 'subject is not known'],
])('%s is refused', async (query, detail) => {
  const response = await routes.get(`/api/records?${query}`)

  expect(response.statusCode).toBe(400)
  expect(response.json().detail).toContain(detail)
})

test('without nats it is said what is away', async () => {
  await using bus = connectBus({ url: 'nats://127.0.0.1:1', name: 'test', log: silent })
  const app = createBareApp()
  registerRecords(app, { config: { nodeId: 'node1' }, bus })

  const response = await app.inject('/api/records')

  expect(response.statusCode).toBe(503)
  expect(response.json().detail).toBe(
    'nats or its streams cannot be reached: nats is not connected',
  )
})
