import { expect, test } from '@jest/globals'
import { afterEvent, type Journey, type JourneyEvent, merged, missingOf } from './journey.ts'

const at = '2026-01-15T10:00:00.000000Z'

function sent(messageId: string): JourneyEvent {
  return {
    name: 'message.sent',
    payload: {
      nodeId: 'node1',
      messageId,
      transport: 'gossip',
      region: 'iad',
      sizeBytes: 5,
      expected: [
        { nodeId: 'node2', wasPresent: true },
        { nodeId: 'node3', wasPresent: false },
      ],
      sentAt: at,
    },
  }
}

function acked(messageId: string, ackNodeId: string, roundTripMs: number): JourneyEvent {
  return {
    name: 'ack.received',
    payload: {
      nodeId: 'node1',
      messageId,
      transport: 'gossip',
      ackNodeId,
      via: 'updates',
      attempts: 1,
      receivedAt: at,
      sentAt: at,
      arrivedAt: at,
      roundTripMs,
      roundTripClock: 'monotonic',
    },
  }
}

function fold(events: JourneyEvent[]): ReadonlyMap<string, Journey> {
  return events.reduce(afterEvent, new Map<string, Journey>())
}

test('acknowledgements stand by their round trip, each node once, and the others are missing', () => {
  const journey = fold([
    sent('m1'),
    acked('m1', 'node3', 40),
    acked('m1', 'node3', 90),
    acked('m1', 'node4', 20),
  ]).get('m1')

  expect(journey?.acks.map(({ nodeId, roundTripMs }) => [nodeId, roundTripMs])).toEqual([
    ['node4', 20],
    ['node3', 40],
  ])
  expect(journey && missingOf(journey)).toEqual(['node2'])
})

test('an acknowledgement of a message whose beginning was not seen changes nothing', () => {
  expect(fold([acked('m1', 'node2', 1)]).size).toBe(0)
})

test('a message that failed says why', () => {
  const failed: JourneyEvent = {
    name: 'message.failed',
    payload: {
      nodeId: 'node1',
      messageId: 'm1',
      transport: 'gossip',
      reason: 'busy',
      failedAt: at,
    },
  }

  expect(fold([sent('m1'), failed]).get('m1')).toMatchObject({ state: 'failed', reason: 'busy' })
})

test('of more than 200 messages the oldest are forgotten', () => {
  const journeys = fold(Array.from({ length: 205 }, (_, index) => sent(`m${index}`)))

  expect(journeys.size).toBe(200)
  expect([...journeys.keys()].at(0)).toBe('m5')
  expect([...journeys.keys()].at(-1)).toBe('m204')
})

test('an event that never came is made up for by what was asked, and the other way round', () => {
  const live = fold([sent('m1'), acked('m1', 'node2', 5)]).get('m1')
  const asked = fold([sent('m1')]).get('m1')
  if (!live || !asked) throw new Error('unreachable: both were sent')

  expect(merged(live, { ...asked, state: 'accepted' })).toEqual({ ...live, state: 'accepted' })
  expect(merged({ ...asked, state: 'accepted' }, live)).toEqual({ ...live, state: 'accepted' })
})
