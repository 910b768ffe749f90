import { expect, test } from '@jest/globals'
import type { NamedEvent } from '../../live/live.ts'
import { createTracks } from './tracks.ts'

const of = { nodeId: 'node1', messageId: 'node1_01KF0HV5DC9V8R7D2M5XNCJ4AT', transport: 'gossip' }

function event(name: string, payload: object): NamedEvent {
  return { name, subject: `corro.${name}.node1`, cursor: null, payload: { ...of, ...payload } }
}

const sent = event('message.sent', { expected: [{ nodeId: 'node2' }], sizeBytes: 5 })
const accepted = event('message.accepted', {})
const ack = (ackNodeId: string) => event('ack.received', { ackNodeId })

test('an acknowledgement that is heard twice is counted once', () => {
  const tracks = createTracks()

  tracks.take([sent, ack('node2'), ack('node3')])
  tracks.take([ack('node2')])

  expect(tracks.list()).toMatchObject([{ pk: of.messageId, acks: 2 }])
})

test('the order in which events come makes no difference', () => {
  const [forward, backward] = [createTracks(), createTracks()]

  forward.take([sent, accepted, ack('node2')])
  backward.take([ack('node2'), accepted, sent])

  expect(backward.list()).toEqual(forward.list())
  expect(backward.list()).toMatchObject([{ status: 'accepted', acks: 1, sent: { sizeBytes: 5 } }])
})

test('a message that failed keeps the reason', () => {
  const tracks = createTracks()

  tracks.take([sent, event('message.failed', { reason: 'the agent is away' })])

  expect(tracks.list()).toMatchObject([{ status: 'failed', reason: 'the agent is away' }])
})

test('events of other things, and those that fit no contract, are left out', () => {
  const tracks = createTracks()

  const isNews = tracks.take([
    event('message.received', {}),
    { ...sent, violation: '/expected: must be array' },
  ])

  expect(isNews).toBe(false)
  expect(tracks.list()).toEqual([])
})

test('of more than 600 messages the newest 500 stay, whichever came last', () => {
  const tracks = createTracks()
  const named = (number: number) => ({
    messageId: `node${number % 3}_01KF0HV5DC9V8R7D2M5XNC${String(number).padStart(4, '0')}`,
  })

  for (let number = 700; number > 0; number -= 1)
    tracks.take([event('message.sent', named(number))])

  const kept = tracks.list().map(({ pk }) => Number(pk.slice(-4)))
  expect(kept.length).toBeLessThanOrEqual(600)
  expect(kept.filter((number) => number > 200)).toHaveLength(500)
})
