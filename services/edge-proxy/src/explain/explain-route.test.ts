import { expect, test } from '@jest/globals'
import { createArrangement, type Offered } from '../balance/arrange.ts'
import { type BalancerOptions, createBalancer } from '../balance/balancer.ts'
import { createSharedBackends, openSharedBackends } from '../balance/shared-backends.ts'
import { explainRoute } from './explain-route.ts'

const options: BalancerOptions = {
  ownRegion: 2,
  spillsAtSoftLimit: false,
  failuresToEject: 3,
  ejectMs: 1000,
  longestEjectMs: 60_000,
}
const offered: Omit<Offered, 'id'> = {
  app: 0,
  region: 2,
  country: -1,
  weight: 1,
  softLimit: 100,
  hardLimit: 0,
  isOffered: true,
}
const rounds = 4000

/** Backends by id, each with the connections that it has; where a client is sent, and where it is said to be. */
function setUp(backends: Readonly<Record<string, Partial<Offered> & { has?: number }>>) {
  const shared = openSharedBackends(createSharedBackends())
  const rows = Object.entries(backends).map(([id, row]) => ({ ...offered, ...row, id }))
  const { slots } = createArrangement(shared, false).arrange(rows)
  const ids = new Map([...slots].map(([id, slot]) => [slot, id]))
  const balancer = createBalancer(shared, options)
  for (const [id, { has = 0 }] of Object.entries(backends)) {
    for (let count = 0; count < has; count += 1) balancer.reserveAt(slots.get(id) ?? -1, 0)
  }
  const wanted = { app: 0, country: 7, region: 1 }
  const sent = (): Record<string, number> => {
    const found: Record<string, number> = {}
    for (let round = 0; round < rounds; round += 1) {
      const slot = balancer.reserve(wanted, [], Math.random)
      balancer.release(slot)
      const id = ids.get(slot) ?? ''
      found[id] = (found[id] ?? 0) + 1 / rounds
    }
    return found
  }
  const said = (): Record<string, number> => {
    const deps = { balancer, weight: shared.weight, nowSeconds: () => 0, affinity: undefined }
    const idAt = (slot: number) => ids.get(slot)
    const asked = { client: '192.0.2.1', wanted, without: [] }
    const { chosen } = explainRoute({ ...deps, idAt }, asked)
    return Object.fromEntries(chosen.map(({ id, share }) => [id, share]))
  }
  return { sent, said }
}

test.each([
  ['one that has a connection more is as good', { a: { has: 1 }, b: {} }],
  ['weights alone decide among them', { a: { has: 2, weight: 3 }, b: {}, c: { weight: 2 } }],
  ['one that is much fuller is passed over', { a: { has: 20 }, b: {} }],
  ['one at its hard limit is passed over', { a: { has: 2, hardLimit: 2 }, b: {} }],
  ['a nearer one is chosen, however full', { a: { has: 60, region: 1 }, b: {} }],
  ['a nearer one beyond all bounds is not', { a: { has: 300, region: 1, softLimit: 1 }, b: {} }],
  ['a nearer one with almost the same score is not its equal', nearerAndFuller()],
])('where a client is said to be sent is where it is sent: %s', (_, backends) => {
  const { sent, said } = setUp(backends)

  const found = sent()

  expect(Object.keys(said()).toSorted()).toEqual(Object.keys(found).toSorted())
  for (const [id, share] of Object.entries(said())) {
    // Five standard deviations of a share of so many rounds, at most.
    expect(Math.abs((found[id] ?? 0) - share)).toBeLessThan(2.5 / Math.sqrt(rounds))
  }
})

/** A tier is worth 100 times the soft limit: this one has one connection more than that. */
function nearerAndFuller() {
  return { a: { has: 10_001, region: 1 }, b: {} }
}
