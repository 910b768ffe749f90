import type { Share } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import type { OriginCounts } from './count-progress.ts'
import { isComplete, toOutcome } from './outcome.ts'

const share = (changes: Partial<Share> = {}): Share => ({
  node_id: 'node1',
  state: 'ended',
  planned: 10,
  sent: 10,
  failed: 0,
  skipped: 0,
  reason: null,
  ...changes,
})

const stored = (changes: Partial<OriginCounts> = {}): OriginCounts => ({
  origin: 'node1',
  sent: 10,
  accepted: 10,
  failed: 0,
  skipped: 0,
  expectedAcks: 20,
  acks: 20,
  ...changes,
})

const plan = (count: number) => ({
  name: 'one',
  note: '',
  transports: ['gossip' as const],
  origins: ['node1'],
  count,
  interval_ms: 100,
  payload_bytes: 64,
  warmup: 0,
  seed: 1,
  repeat_of: null,
})

test.each<[string, Share, OriginCounts[], number, string | null, string, string | null]>([
  ['all was sent', share(), [stored()], 10, null, 'finished', null],
  ['acknowledgements are missing', share(), [stored({ acks: 18 })], 10, null, 'finished', null],
  [
    'a gateway was away',
    share({ sent: 7, skipped: 3 }),
    [stored({ sent: 7, accepted: 7 })],
    10,
    null,
    'interrupted',
    'node1 skipped 3 of 10',
  ],
  [
    'a gateway was away, and was drained later',
    share({ sent: 4, skipped: 3, reason: 'this node is draining' }),
    [stored({ sent: 4, accepted: 4 })],
    10,
    null,
    'interrupted',
    'node1 ended after 4 of 10: this node is draining; node1 skipped 3 of 10',
  ],
  [
    'messages failed',
    share({ failed: 3 }),
    [stored({ accepted: 7, failed: 3 })],
    10,
    null,
    'interrupted',
    '3 of 10 messages of node1 failed',
  ],
  [
    'outcomes are missing',
    share(),
    [stored({ accepted: 8, failed: 0 })],
    10,
    null,
    'interrupted',
    'whether node1 wrote 2 of its messages is not known',
  ],
  [
    'a gateway is gone',
    share({ state: 'lost', sent: 4, reason: 'its gateway did not answer for 30 s' }),
    [stored({ sent: 6, accepted: 6 })],
    10,
    null,
    'interrupted',
    'the share of node1 is lost after 6 of 10: its gateway did not answer for 30 s',
  ],
  [
    'records are missing',
    share(),
    [stored({ sent: 9 })],
    10,
    null,
    'interrupted',
    'node1 sent 10, of which 9 are stored',
  ],
  [
    'a receiver was left out',
    share(),
    [stored({ expectedAcks: 15, acks: 15 })],
    10,
    null,
    'interrupted',
    'node1 left receivers out: it expected 15 of 20 acknowledgements',
  ],
  [
    'another receiver came',
    share(),
    [stored({ expectedAcks: 25, acks: 25 })],
    10,
    null,
    'finished',
    null,
  ],
  [
    'the node was drained',
    share({ sent: 4, reason: 'node1 is draining' }),
    [stored({ sent: 4 })],
    10,
    null,
    'interrupted',
    'node1 ended after 4 of 10: node1 is draining',
  ],
  [
    'a person stopped it',
    share({ sent: 4, reason: 'stopped by ann' }),
    [stored({ sent: 4 })],
    10,
    'ann',
    'stopped',
    'stopped by ann',
  ],
  [
    'a person stopped it after its origin had ended by itself',
    share({ sent: 4, reason: 'this node is draining' }),
    [stored({ sent: 4 })],
    10,
    'ann',
    'interrupted',
    'stopped by ann; node1 ended after 4 of 10: this node is draining',
  ],
  [
    'a person stopped what has no count',
    share({ planned: 0, sent: 4 }),
    [stored({ sent: 4 })],
    0,
    'ann',
    'finished',
    'stopped by ann',
  ],
  [
    'what has no count ended by itself',
    share({ planned: 0, sent: 4, reason: 'node1 is draining' }),
    [stored({ sent: 4 })],
    0,
    null,
    'interrupted',
    'node1 ended after 4: node1 is draining',
  ],
])('%s', (_, one, counts, count, stoppedBy, status, reason) => {
  const experiment = { plan: plan(count), shares: [one], expected: ['node1', 'node2', 'node3'] }
  expect(toOutcome(experiment, counts, stoppedBy)).toEqual({
    status,
    reason,
  })
})

test.each<[string, Share, OriginCounts[], boolean]>([
  ['everything is there', share(), [stored()], true],
  ['an acknowledgement is missing', share(), [stored({ acks: 19 })], false],
  ['a message is not settled', share(), [stored({ accepted: 9 })], false],
  [
    'a message failed',
    share(),
    [stored({ accepted: 9, failed: 1, expectedAcks: 18, acks: 18 })],
    true,
  ],
  ['a message is not stored yet', share(), [stored({ sent: 9, accepted: 9 })], false],
  ['nothing is stored yet', share(), [], false],
  ['nothing was sent', share({ state: 'lost', sent: 0 }), [], true],
])('nothing is waited for when %s: %#', (_, one, counts, expected) => {
  expect(isComplete([one], counts)).toBe(expected)
})
