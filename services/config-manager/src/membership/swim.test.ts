import type { Member, MembershipState } from '@corroport/corrosion-client'
import { expect, test } from '@jest/globals'
import { mergeMembers, newestIdentities } from './swim.ts'

const [actorA, actorB] = ['a'.repeat(32), 'b'.repeat(32)] as const

const state = (change: Partial<MembershipState> = {}): MembershipState => ({
  actorId: actorA,
  address: '10.0.0.1:8787',
  clusterId: 0,
  identifiedAt: 7_710_532_660_290_802_288n,
  incarnation: 0,
  state: 'Alive',
  ...change,
})

test.each([
  ['a newer identity of the same actor', { identifiedAt: 7_710_532_660_290_802_289n }],
  ['a higher incarnation of the same identity', { incarnation: 1 }],
  [
    'another actor at the same address, which began later',
    { actorId: actorB, identifiedAt: 7_710_532_660_290_802_289n },
  ],
  [
    'the same actor at another address, which began later',
    { address: '10.0.0.9:8787', identifiedAt: 7_710_532_660_290_802_289n },
  ],
])('%s wins, in either order', (_, change) => {
  const old = state({ state: 'Down' })
  const newer = state(change)

  expect(newestIdentities([old, newer])).toEqual([newer])
  expect(newestIdentities([newer, old])).toEqual([newer])
})

test('different agents stay, sorted', () => {
  const other = state({ actorId: actorB, address: '10.0.0.2:8787' })

  expect(newestIdentities([other, state()])).toEqual([state(), other])
})

test('a member has what the transport measured; a silent one has none of it', () => {
  const measured: Member = {
    actorId: actorA,
    address: '10.0.0.1:8787',
    clusterId: 0,
    identifiedAt: 0n,
    rttsMs: [3, 4],
    ring: 0,
    lastSyncAt: (1_795_258_000n << 32n) | 0x80000000n,
  }
  const silent = state({ actorId: actorB, address: '10.0.0.2:8787', state: 'Suspect' })

  expect(mergeMembers([state(), silent], [measured])).toEqual([
    {
      actorId: actorA,
      address: '10.0.0.1:8787',
      state: 'alive',
      incarnation: 0,
      identifiedAt: '7710532660290802288',
      ring: 0,
      rttsMs: [3, 4],
      lastSyncAt: '2026-11-21T10:46:40.500000Z',
    },
    {
      actorId: actorB,
      address: '10.0.0.2:8787',
      state: 'suspect',
      incarnation: 0,
      identifiedAt: '7710532660290802288',
      ring: null,
      rttsMs: [],
      lastSyncAt: null,
    },
  ])
})
