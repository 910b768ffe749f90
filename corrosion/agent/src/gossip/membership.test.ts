import { describe, expect, test } from '@jest/globals'

import type { Identity, MemberState } from './member-record.ts'
import { createMembership, ringOf } from './membership.ts'

const own: Identity = {
  actorId: '00'.repeat(16),
  address: '10.0.0.1:1',
  ts: 100n,
  clusterId: 0,
  memberId: null,
}
const other: Identity = { ...own, actorId: '11'.repeat(16), address: '10.0.0.2:1' }

function membership() {
  let nowMs = 0
  let ts = 1000n
  const changes: string[] = []
  return {
    changes,
    later: (ms: number) => {
      nowMs += ms
    },
    members: createMembership({
      identity: own,
      timestamp: () => ts++,
      nowMs: () => nowMs,
      changed: ({ identity, incarnation, state }) => {
        changes.push(`${identity.address} ${identity.ts} ${incarnation} ${state}`)
      },
    }),
  }
}

describe('which word overrides which', () => {
  test.each<[string, [bigint, number, MemberState], [bigint, number, MemberState], boolean]>([
    ['a suspicion', [100n, 0, 'Alive'], [100n, 0, 'Suspect'], true],
    ['an old suspicion', [100n, 2, 'Alive'], [100n, 1, 'Suspect'], false],
    ['a contradiction', [100n, 1, 'Suspect'], [100n, 2, 'Alive'], true],
    ['an equal contradiction', [100n, 1, 'Suspect'], [100n, 1, 'Alive'], false],
    ['a death', [100n, 5, 'Alive'], [100n, 0, 'Down'], true],
    ['a life after death', [100n, 0, 'Down'], [100n, 9, 'Alive'], false],
    ['a restart', [100n, 9, 'Down'], [101n, 0, 'Alive'], true],
    ['a word of an older life', [100n, 0, 'Alive'], [99n, 9, 'Down'], false],
  ])('%s', (_, [ts, incarnation, state], [laterTs, laterIncarnation, laterState], wins) => {
    const { members } = membership()
    members.merge({ identity: { ...other, ts }, incarnation: 0, state: 'Alive' })
    members.merge({ identity: { ...other, ts }, incarnation, state })

    members.merge({
      identity: { ...other, ts: laterTs },
      incarnation: laterIncarnation,
      state: laterState,
    })

    expect(members.get(other.actorId)?.state).toBe(wins ? laterState : state)
  })

  test('a death of which nobody knew the life is no news, nor is another cluster', () => {
    const { members, changes } = membership()
    members.merge({ identity: other, incarnation: 0, state: 'Down' })
    members.merge({ identity: { ...other, clusterId: 1 }, incarnation: 0, state: 'Alive' })

    expect(members.all()).toEqual([])
    expect(changes).toEqual([])
  })

  test('a newer agent at the same address replaces the one that was wiped', () => {
    const { members } = membership()
    members.merge({ identity: other, incarnation: 0, state: 'Alive' })

    members.merge({
      identity: { ...other, actorId: '22'.repeat(16), ts: 200n },
      incarnation: 0,
      state: 'Alive',
    })

    expect(members.get(other.actorId)?.state).toBe('Down')
    expect(members.present()).toHaveLength(1)
  })
})

describe('about oneself', () => {
  test('a suspicion is contradicted with a higher incarnation', () => {
    const { members, changes } = membership()

    members.merge({ identity: own, incarnation: 3, state: 'Suspect' })

    expect(members.self()).toMatchObject({ incarnation: 4, state: 'Alive' })
    expect(changes).toEqual(['10.0.0.1:1 100 4 Alive'])
  })

  test('a death is answered with a newer identity, unless it is true', () => {
    const { members } = membership()
    members.merge({ identity: own, incarnation: 0, state: 'Down' })
    const { ts } = members.self().identity
    expect(ts).toBeGreaterThan(100n)

    const last = members.leave()
    members.merge(last)

    expect(members.self()).toMatchObject({ identity: { ts }, state: 'Down' })
  })
})

test('a suspect that stays silent for 30 s is down, and forgotten after two days', () => {
  const { members, later } = membership()
  members.merge({ identity: other, incarnation: 0, state: 'Alive' })
  members.suspect(other.actorId)

  later(29_999)
  members.age(30_000, 172_800_000)
  expect(members.get(other.actorId)?.state).toBe('Suspect')
  later(1)
  members.age(30_000, 172_800_000)
  expect(members.get(other.actorId)?.state).toBe('Down')
  expect(members.present()).toEqual([])
  later(172_800_000)
  members.age(30_000, 172_800_000)
  expect(members.all()).toEqual([])
})

test.each([
  [[], null],
  [[0], 0],
  [[5, 6], 0],
  [[6], 1],
  [[15], 2],
  [[50], 3],
  [[100], 4],
  [[1000, 0, 0, 0], 5],
])('round trips of %j ms make ring %j', (rttsMs, ring) => {
  expect(ringOf({ rttsMs })).toBe(ring)
})

test('the last twenty round trips are kept, newest first, in whole milliseconds', () => {
  const { members } = membership()
  members.merge({ identity: other, incarnation: 0, state: 'Alive' })
  for (let rtt = 0; rtt < 25; rtt++) members.addRtt(other.actorId, rtt + 0.9)

  expect(members.get(other.actorId)?.rttsMs).toEqual(
    Array.from({ length: 20 }, (_, index) => 24 - index),
  )
})
