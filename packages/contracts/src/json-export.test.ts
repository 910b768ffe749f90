import { expect, test } from '@jest/globals'
import { ackReceived } from './ack.ts'
import { createParser } from './definition.ts'
import { Experiment } from './experiment.ts'
import { JsonExport } from './exported-messages.ts'
import { fromJsonExport } from './json-export.ts'
import { messageAccepted, messageSent } from './message.ts'
import { toTimestamp } from './timestamp.ts'

const parseExport = createParser('the export', JsonExport)
const read = (json: unknown) => fromJsonExport(parseExport(json))
const origin = 'yyz-84ee55c2652168'
const places =
  'ewr ord bos iad den dfw atl mia phx qro sjc sea lax gdl lhr cdg ams fra waw arn bog gig gru otp scl eze nrt syd hkg sin jnb'
const receivers = places.split(' ').map((place, index) => `${place}-683${index}0d10c444918`)
const began = Date.UTC(2025, 9, 13, 9) * 1000

/** Four messages, a second apart; receiver k takes 10 + k ms, and a µs more each message. */
function originalExport(over: Record<string, unknown> = {}, prefix = '') {
  const event = (message: number, type: 'sent' | 'acked', at: number, node: string | null) => ({
    message_id: `${prefix}${origin}_${17_603_460_000 + message}`,
    originating_node: origin,
    target_node: node,
    event_type: type,
    event_timestamp: toTimestamp(began + at),
    region: (node ?? origin).slice(0, 3),
    transaction_size_hint: null,
  })
  const raw_events = [0, 1, 2, 3].flatMap((message) => [
    event(message, 'sent', message * 1_004_000, null),
    ...receivers.map((node, index) =>
      event(message, 'acked', message * 1_004_000 + (10 + index) * 1000 + message, node),
    ),
  ])
  return {
    metadata: {
      exported_at: '2025-10-13T09:05:00.000000Z',
      exporter_version: '1.0.0',
      node_id: origin,
      region: 'yyz',
    },
    experiment: {
      id: 'rtio',
      started_at: '2025-10-13T09:00:00Z',
      ended_at: '2025-10-13T09:00:04Z',
      duration_seconds: 4,
      message_count: 4,
      send_count: 4,
      ack_count: 124,
      success_rate: 3100.0,
      configuration: null,
    },
    topology: { node_count: 0, nodes: [], regions: [], region_count: 0 },
    performance: { latency: { median_ms: 10 } },
    system_metrics: [],
    raw_events,
    ...over,
  }
}

const parseExperiment = createParser('experiment', Experiment)
const parsers = { sent: messageSent, accepted: messageAccepted, acked: ackReceived }

test('an export of the original becomes an experiment and records that fit their contracts', () => {
  const { experiment, events } = read(originalExport())

  parseExperiment(experiment)
  for (const { kind, event } of events) {
    if (kind in parsers) parsers[kind as keyof typeof parsers].parse(event)
  }
  expect(experiment).toMatchObject({
    id: 'rtio',
    plan: { transports: ['gossip'], origins: [origin], count: 4, interval_ms: 1004 },
    started_at: '2025-10-13T09:00:00.000000Z',
    shares: [{ node_id: origin, sent: 4 }],
  })
  expect(experiment.expected).toHaveLength(32)
  const counts = Object.groupBy(events, ({ kind }) => kind)
  expect([counts.sent, counts.accepted, counts.acked].map((some) => some?.length)).toEqual([
    4, 4, 124,
  ])
})

test('round trips are taken from the raw events, to the microsecond', () => {
  const { events } = read(originalExport())

  const acks = events
    .filter(({ kind }) => kind === 'acked')
    .map(({ event }) => ackReceived.parse(event))
  expect(acks.at(-1)).toEqual({
    nodeId: origin,
    messageId: `${origin}_17603460003`,
    transport: 'gossip',
    ackNodeId: receivers.at(-1),
    via: 'subscription',
    attempts: 1,
    receivedAt: null,
    sentAt: null,
    arrivedAt: '2025-10-13T09:00:03.052003Z',
    roundTripMs: 40.003,
    roundTripClock: 'wall',
  })
})

test('the transport is known by the ids, and the interval by the configuration', () => {
  const configured = { id: 'uiog', configuration: { transaction_frequency_ms: 500 } }

  const { experiment } = read(originalExport({ experiment: configured }, 'pubsub_'))

  expect(experiment.plan).toMatchObject({ transports: ['direct'], interval_ms: 500 })
})

test('an export of our own says more: the plan, transports, round trips, and who was expected', () => {
  const plan = {
    name: 'Both',
    note: 'before the change',
    transports: ['gossip', 'direct'],
    origins: [origin],
    count: 2,
    interval_ms: 1004,
    payload_bytes: 64,
    warmup: 1,
    seed: 7,
    repeat_of: null,
  }
  const whole = originalExport()
  const raw_events = whole.raw_events.map((event) => ({
    ...event,
    transport:
      event.message_id.endsWith('0') || event.message_id.endsWith('2') ? 'gossip' : 'direct',
    receipt_timestamp: event.event_type === 'acked' ? event.event_timestamp : null,
    round_trip_ms: event.event_type === 'acked' ? 12.345 : null,
  }))
  const topology = {
    nodes: [{ node_id: 'silent', region: 'fra', bootstrap_peers: ['10.0.0.1:8787'] }],
  }
  const told = { id: 'both', plan, status: 'stopped', reason: 'stopped by operator' }

  const { experiment, events } = read(originalExport({ raw_events, topology, experiment: told }))

  expect(experiment).toMatchObject({ status: 'stopped', reason: 'stopped by operator' })
  expect(experiment.plan).toMatchObject({ ...plan, note: expect.stringContaining(plan.note) })
  expect(experiment.expected).toContain('silent')
  expect(experiment.environment?.nodes[0]?.bootstrap).toEqual(['10.0.0.1:8787'])
  const sent = events.flatMap(({ kind, event }) =>
    kind === 'sent' ? messageSent.parse(event) : [],
  )
  expect(sent.map((of) => [of.transport, of.experiment?.isWarmup])).toEqual([
    ['gossip', true],
    ['direct', true],
    ['gossip', false],
    ['direct', false],
  ])
  const ack = ackReceived.parse(events.find(({ kind }) => kind === 'acked')?.event)
  expect(ack).toMatchObject({ roundTripMs: 12.345, receivedAt: expect.any(String) })
})

test('what is repeated or belongs to no message is left out, and counted', () => {
  const whole = originalExport()
  const ack = whole.raw_events[1]
  const raw_events = [...whole.raw_events, ack, { ...ack, message_id: 'unknown' }]

  const { experiment, events } = read(originalExport({ raw_events }))

  expect(events).toHaveLength(132)
  expect(experiment.plan.note).toContain('; 2 repeated or unattached events were left out')
})

test.each([
  ['another format', { raw_events: undefined }, '/raw_events must be array'],
  ['no events', { raw_events: [] }, '/raw_events must not have fewer than 1 items'],
  ['an id with slashes', { experiment: { id: '../etc' } }, '/experiment/id must match'],
  [
    'an experiment that still runs',
    { experiment: { id: 'rtio', status: 'running' } },
    'rtio was running when it was exported',
  ],
  [
    'a time that is none',
    { raw_events: [{ ...originalExport().raw_events[0], event_timestamp: 'soon' }] },
    '"soon" is no time of an event',
  ],
  [
    'nothing that was sent',
    { raw_events: [originalExport().raw_events[1]] },
    'the export has no message that was sent',
  ],
])('a file with %s is refused', (_, over, reason) => {
  expect(() => read(originalExport(over))).toThrow(reason)
})
