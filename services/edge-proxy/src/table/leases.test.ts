import { expect, test } from '@jest/globals'
import { createLeases } from './leases.ts'

function setUp() {
  const time = { steady: 1000, wall: 1_800_000_000_000 }
  const leases = createLeases({ steady: () => time.steady, wall: () => time.wall })
  const pass = (ms: number): void => {
    time.steady += ms
    time.wall += ms
  }
  return { leases, pass, wall: () => time.wall, now: () => time.steady }
}

test('a lease that is heard lasts as long as it was given for, whatever its writer takes for now', () => {
  for (const offsetMs of [-3_600_000, 0, 3_600_000]) {
    const { leases, pass, wall } = setUp()
    const givenAt = wall() + offsetMs
    leases.see('b', { givenAt, until: givenAt + 60_000 }, 'heard')

    pass(59_999)
    expect(leases.isOver('b')).toBe(false)
    pass(1)
    expect(leases.isOver('b')).toBe(true)
  }
})

test('a lease that is found lasts until its time, and never longer than it was given for', () => {
  const { leases, pass, wall, now } = setUp()
  leases.see('old', { givenAt: wall() - 3_600_000, until: wall() - 3_540_000 }, 'found')
  leases.see('now', { givenAt: wall() - 40_000, until: wall() + 20_000 }, 'found')
  leases.see('ahead', { givenAt: wall() + 3_600_000, until: wall() + 3_660_000 }, 'found')
  expect(['old', 'now', 'ahead'].map(leases.isOver)).toEqual([true, false, false])
  expect(leases.nextEnd(now())).toBe(21_000)

  pass(20_000)
  expect(leases.isOver('now')).toBe(true)
  pass(40_000)
  expect(leases.isOver('ahead')).toBe(true)
})

test('a lease that ends between two looks is not overlooked', () => {
  const { leases, pass, wall, now } = setUp()
  leases.see('b', { givenAt: wall(), until: wall() + 1000 }, 'heard')
  const looked = now()
  expect(leases.isOver('b')).toBe(false)

  pass(1000)

  expect(leases.nextEnd(looked)).toBe(2000)
})

test('a row without a lease, or without a row any more, is never over', () => {
  const { leases, pass, wall, now } = setUp()
  leases.see('static', { givenAt: undefined, until: undefined }, 'heard')
  leases.see('was leased', { givenAt: wall(), until: wall() + 1 }, 'heard')
  leases.see('was leased', { givenAt: wall(), until: undefined }, 'heard')
  leases.see('gone', { givenAt: wall(), until: wall() + 1 }, 'heard')
  leases.forget('gone')

  pass(10)

  expect(['static', 'was leased', 'gone'].map(leases.isOver)).toEqual([false, false, false])
  expect(leases.nextEnd(now())).toBeUndefined()
})

test('no lease ends while nothing can be heard, nor in the grace time that follows', () => {
  const { leases, pass, wall, now } = setUp()
  leases.see('b', { givenAt: wall(), until: wall() + 60_000 }, 'heard')
  leases.hold()
  pass(120_000)
  expect(leases.isOver('b')).toBe(false)
  expect(leases.nextEnd(now())).toBeUndefined()

  leases.goOn(5000)

  expect(leases.isOver('b')).toBe(false)
  expect(leases.nextEnd(now())).toBe(126_000)
  pass(5000)
  expect(leases.isOver('b')).toBe(true)
})
