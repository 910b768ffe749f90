import { expect, test } from '@jest/globals'
import { createArrangement, type Offered } from './arrange.ts'
import { createBalancer } from './balancer.ts'
import { createSharedBackends, openSharedBackends } from './shared-backends.ts'

const usual: Offered = {
  id: '',
  app: 0,
  region: 0,
  country: -1,
  weight: 1,
  softLimit: 100,
  hardLimit: 0,
  isOffered: true,
}

function setUp() {
  const shared = openSharedBackends(createSharedBackends())
  const arrangement = createArrangement(shared, false)
  const balancer = createBalancer(shared, {
    ownRegion: -1,
    spillsAtSoftLimit: false,
    failuresToEject: 3,
    ejectMs: 1000,
    longestEjectMs: 60_000,
  })
  return {
    offer: (rows: readonly Partial<Offered>[]) =>
      arrangement.arrange(rows.map((row) => ({ ...usual, ...row }))),
    chosen: (app: number): number =>
      balancer.reserve({ app, country: -1, region: -1 }, [], () => 0),
  }
}

test('what has changed is written down, where it stands and what it takes', () => {
  const { offer, chosen } = setUp()
  const { slots } = offer([{ id: 'a' }, { id: 'b', app: 1 }])
  const [a, b] = [slots.get('a'), slots.get('b')]
  expect([chosen(0), chosen(1)]).toEqual([a, b])

  offer([
    { id: 'a', weight: 0 },
    { id: 'b', app: 1 },
  ])
  expect([chosen(0), chosen(1)]).toEqual([-1, b])
  offer([{ id: 'a' }, { id: 'b', app: 2 }])
  expect([chosen(0), chosen(1), chosen(2)]).toEqual([a, -1, b])
  offer([{ id: 'a' }, { id: 'b', app: 2, isOffered: false }])
  expect([chosen(0), chosen(2)]).toEqual([a, -1])
})

test('one that is gone is not chosen, and comes back with a slot of its own', () => {
  const { offer, chosen } = setUp()
  offer([{ id: 'a' }, { id: 'b', app: 1 }])
  chosen(0) // it keeps its slot for this connection

  const { slots } = offer([
    { id: 'b', app: 1 },
    { id: 'c', app: 2 },
  ])
  expect(chosen(0)).toBe(-1)
  expect([chosen(1), chosen(2)]).toEqual([slots.get('b'), slots.get('c')])
  offer([{ id: 'b', app: 1 }, { id: 'c', app: 2 }, { id: 'a' }])

  expect(new Set(slots.values()).size).toBe(3)
  expect(chosen(0)).toBe(slots.get('a'))
})
