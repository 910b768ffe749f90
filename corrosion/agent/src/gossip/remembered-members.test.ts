import { expect, test } from '@jest/globals'

import type { Member } from './membership.ts'
import { recordOf, rememberRows } from './remembered-members.ts'

const member: Member = {
  identity: {
    actorId: '406939be58a34e50b288053532881a3c',
    address: '127.0.0.1:8789',
    ts: 7_710_536_469_787_589_712n,
    clusterId: 0,
    memberId: null,
  },
  incarnation: 0,
  state: 'Alive',
  rttsMs: [3, 1, 2],
  lastSyncTs: null,
  sinceMs: 0,
}

test('a row is what Corrosion writes, and can be read back', () => {
  const [row] = rememberRows([member], new Map(), new Date('2026-11-21T08:20:29.175Z'))

  expect(row).toEqual({
    actorId: '406939be58a34e50b288053532881a3c',
    address: '127.0.0.1:8789',
    focaState:
      '{"id":{"id":"406939be-58a3-4e50-b288-053532881a3c","addr":"127.0.0.1:8789","ts":7710536469787589712,"cluster_id":0,"member_id":null},"incarnation":0,"state":"Alive"}',
    rttMin: 1,
    updatedAt: '2026-11-21 08:20:29.175000000+00:00',
  })
  const { identity, incarnation, state } = member
  expect(row && recordOf(row)).toEqual({ identity, incarnation, state })
})

test('a row that did not change keeps its time', () => {
  const before = rememberRows([member], new Map(), new Date(0))
  const known = new Map(before.map((row) => [row.actorId, row]))

  expect(rememberRows([member], known, new Date())[0]).toBe(before[0])
  const [changed] = rememberRows([{ ...member, state: 'Suspect' }], known, new Date())
  expect(changed?.updatedAt).not.toBe(before[0]?.updatedAt)
})

test.each(['', '{}', 'null'])('%j is not a member', (focaState) => {
  const row = { actorId: '', address: '', focaState, rttMin: null, updatedAt: '' }

  expect(recordOf(row)).toBeUndefined()
})
