import { randomInt } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { createArrangement, type Offered } from './arrange.ts'
import { type BalancerOptions, createBalancer } from './balancer.ts'
import { createSharedBackends, openSharedBackends } from './shared-backends.ts'

const usual: BalancerOptions = {
  ownRegion: 2,
  spillsAtSoftLimit: false,
  failuresToEject: 3,
  ejectMs: 1000,
  longestEjectMs: 60_000,
}

function setUp(backends: readonly Partial<Offered>[], options: Partial<BalancerOptions> = {}) {
  const shared = openSharedBackends(createSharedBackends())
  const all = { ...usual, ...options }
  const arrangement = createArrangement(shared, all.spillsAtSoftLimit)
  const offer = (rows: readonly Partial<Offered>[]) =>
    arrangement.arrange(rows.map((row, index) => ({ ...offered, id: `b${index}`, ...row })))
  const { slots } = offer(backends)
  const names = () => new Map([...slots].map(([id, slot]) => [slot, id]))
  const balancer = createBalancer(shared, all)
  const anywhere = { app: 0, country: -1, region: -1 }
  return {
    shared,
    balancer,
    offer,
    slotOf: (id: string) => slots.get(id) ?? -1,
    nameOf: (slot: number) => names().get(slot),
    reserve: (wanted = {}, tried: number[] = [], random = Math.random) => {
      const slot = balancer.reserve({ ...anywhere, ...wanted }, tried, random)
      return { slot, name: names().get(slot) }
    },
  }
}

const offered: Offered = {
  id: 'b',
  app: 0,
  region: 0,
  country: -1,
  weight: 1,
  softLimit: 100,
  hardLimit: 0,
  isOffered: true,
}

test('country goes before region, region before the own region, and that before any', () => {
  const { reserve, offer } = setUp([])
  const rows = [
    { id: 'country', region: 1, country: 7 },
    { id: 'region', region: 1, country: 8 },
    { id: 'own', region: 2 },
    { id: 'any', region: 3 },
  ]
  const order: (string | undefined)[] = []
  for (let rest = rows; rest.length > 0; rest = rest.filter(({ id }) => id !== order.at(-1))) {
    offer(rest)
    order.push(reserve({ country: 7, region: 1 }).name)
  }
  expect(order).toEqual(['country', 'region', 'own', 'any'])
})

test('a backend of another app is never chosen', () => {
  const { reserve } = setUp([{ id: 'other', app: 1, country: 7 }])

  expect(reserve({ country: 7 }).slot).toBe(-1)
})

test('a hard limit is kept, and a release makes room', () => {
  const { reserve, balancer } = setUp([{ hardLimit: 2 }])
  const { slot } = reserve()
  reserve()
  expect(reserve().slot).toBe(-1)

  balancer.release(slot)

  expect(reserve().slot).toBe(slot)
})

test.each([
  [false, 'near'],
  [true, 'far'],
])('with spilling at the soft limit %s, who is over it stays %s', (spillsAtSoftLimit, name) => {
  const { reserve } = setUp(
    [
      { id: 'near', country: 7, softLimit: 2 },
      { id: 'far', region: 3 },
    ],
    { spillsAtSoftLimit },
  )
  reserve({ country: 7 })
  reserve({ country: 7 })

  expect(reserve({ country: 7 }).name).toBe(name)
})

test('weights two and one share short connections two to one, and zero takes none', () => {
  const { reserve, balancer } = setUp([{ weight: 2 }, { weight: 1 }, { weight: 0 }])
  const counts: Record<string, number> = {}
  for (let index = 0; index < 100_000; index += 1) {
    const { slot, name = '' } = reserve()
    counts[name] = (counts[name] ?? 0) + 1
    balancer.release(slot)
  }
  expect(counts.b2).toBeUndefined()
  expect((counts.b0 ?? 0) / (counts.b1 ?? 0)).toBeCloseTo(2, 1)
})

test('the least full one of equal nearness is chosen', () => {
  const { reserve, balancer, slotOf, shared } = setUp([{ softLimit: 10 }, { softLimit: 10 }])
  for (let index = 0; index < 40; index += 1) reserve()
  const [a, b] = [slotOf('b0'), slotOf('b1')]
  expect([shared.connections[a], shared.connections[b]]).toEqual([20, 20])

  for (let index = 0; index < 5; index += 1) balancer.release(a)

  expect([reserve().name, reserve().name]).toEqual(['b0', 'b0'])
})

test('what was tried is not chosen again, and is there for others', () => {
  const { reserve, slotOf } = setUp([{ country: 7 }, {}])
  const tried = [slotOf('b0')]

  expect(reserve({ country: 7 }, tried).name).toBe('b1')
  expect(reserve({ country: 7 }, [...tried, slotOf('b1')]).slot).toBe(-1)
  expect(reserve({ country: 7 }).name).toBe('b0')
})

test('who fails in turn is ejected, for longer each time, and then takes one connection', () => {
  const { reserve, balancer, slotOf } = setUp([{ country: 7 }, {}])
  const near = () => reserve({ country: 7 }).name
  const slot = slotOf('b0')
  for (let index = 0; index < 3; index += 1) {
    expect(near()).toBe('b0')
    balancer.failed(slot, 0)
  }
  expect(near()).toBe('b1')
  balancer.admitTrials(999)
  expect(near()).toBe('b1')

  balancer.admitTrials(1000)
  expect([near(), near()]).toEqual(['b0', 'b1'])

  balancer.failed(slot, 1000)
  balancer.admitTrials(2999)
  expect(near()).toBe('b1')
  balancer.admitTrials(3000)
  expect(near()).toBe('b0')
  balancer.succeeded(slot)
  expect([near(), near()]).toEqual(['b0', 'b0'])
})

test('a row that goes with connections gives its slot to nobody until they are over', () => {
  const { reserve, balancer, offer, slotOf } = setUp([{}])
  const { slot } = reserve()
  offer([])
  expect(reserve().slot).toBe(-1)

  const { slots } = offer([{ id: 'new' }])
  expect(slots.get('new')).not.toBe(slot)
  expect(slotOf('b0')).toBe(-1)

  balancer.release(slot)
  const later = offer([{ id: 'new' }, { id: 'newer' }]).slots
  expect(later.get('newer')).toBe(slot)
})

test('what does not fit is named', () => {
  const { offer } = setUp([])
  const rows = Array.from({ length: 16_386 }, (_, index) => ({ id: `b${index}` }))

  expect(offer(rows).left).toEqual(['b16384', 'b16385'])
})

test.each([1, 8, 64, 500])(
  'of %i connections at once the weights decide how many go where',
  (open) => {
    const { reserve, balancer } = setUp([
      { id: 'light', weight: 1 },
      { id: 'heavy', weight: 2 },
    ])
    const counts = new Map<string | undefined, number>()
    const slots: number[] = []
    for (let round = 0; round < 60_000; round += 1) {
      const { slot, name } = reserve()
      counts.set(name, (counts.get(name) ?? 0) + 1)
      slots.push(slot)
      if (slots.length === open) balancer.release(slots.splice(randomInt(open), 1)[0] ?? 0)
    }
    expect((counts.get('heavy') ?? 0) / (counts.get('light') ?? 0)).toBeCloseTo(2, 1)
  },
)

test('choosing agrees with a look at every backend', () => {
  const rows = Array.from({ length: 300 }, (_, index) => ({
    id: `b${index}`,
    app: randomInt(3),
    region: randomInt(4),
    country: randomInt(-1, 6),
    weight: randomInt(4),
    softLimit: randomInt(1, 20),
    hardLimit: randomInt(30),
    isOffered: randomInt(5) > 0,
  }))
  const { reserve, balancer, shared, slotOf } = setUp(rows)
  const score = (row: (typeof rows)[number], wanted: { country: number; region: number }) => {
    const count = shared.connections[slotOf(row.id)] ?? 0
    if (!row.isOffered || row.weight === 0 || (row.hardLimit > 0 && count >= row.hardLimit)) {
      return Number.POSITIVE_INFINITY
    }
    const isOf = [
      wanted.country >= 0 && row.country === wanted.country,
      row.region === wanted.region,
      row.region === usual.ownRegion,
      true,
    ]
    return isOf.indexOf(true) * 100 + count / row.softLimit / row.weight
  }
  const open: number[] = []
  for (let round = 0; round < 20_000; round += 1) {
    const wanted = { app: randomInt(3), country: randomInt(-1, 6), region: randomInt(-1, 4) }
    const scores = new Map(
      rows.filter(({ app }) => app === wanted.app).map((row) => [row.id, score(row, wanted)]),
    )
    const least = Math.min(...scores.values())
    const { slot, name } = reserve(wanted)
    const chosen = slot < 0 ? Number.POSITIVE_INFINITY : (scores.get(name ?? '') ?? Number.NaN)
    expect(chosen).toBeGreaterThanOrEqual(least)
    expect(chosen).toBeLessThanOrEqual(least + 1 / 16)
    if (slot >= 0) open.push(slot)
    if (open.length > 600 || slot < 0) {
      balancer.release(open.splice(randomInt(open.length), 1)[0] ?? 0)
    }
  }
})
