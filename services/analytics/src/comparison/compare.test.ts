import { expect, test } from '@jest/globals'
import { createBlock, createRun } from '../../test/blocks.ts'
import { compare, type Run } from './compare.ts'
import { seededRandom } from './seeded-random.ts'
import type { Block } from './units.ts'

const repeats = Number(process.env['CORROPORT_REPEATS'] ?? 200)
const seed = Number(process.env['CORROPORT_SEED'] ?? 20_261_121)
const receivers = 2

// In the sandbox of a test each look at a global costs more than the function does.
const { cos, log, sqrt } = Math
const twoPi = 2 * Math.PI

/** Round trips of about 5 ms; `shift` in standard deviations, `phi` from one message to the next. */
function simulateRun(
  random: () => number,
  options: { id: string; messages: number; phi?: number; shift?: number },
): Run {
  const { id, messages, phi = 0, shift = 0 } = options
  const [innovation, ofMessage, ofReceiver] = [sqrt(1 - phi ** 2), sqrt(0.75), sqrt(0.25)]
  const level = 0.2 * normal(random)
  let state = normal(random)
  const blocks = Array.from({ length: messages }, (): Block => {
    state = phi * state + innovation * normal(random)
    const times = Array.from(
      { length: receivers },
      () => 5000 + 800 * (level + ofMessage * state + ofReceiver * normal(random) + shift),
    )
    return createBlock(times)
  })
  return createRun(id, blocks)
}

function normal(random: () => number): number {
  return sqrt(-2 * log(1 - random())) * cos(twoPi * random())
}

function series(random: () => number, name: string, shift = 0, count = 10): Run[] {
  return Array.from({ length: count }, (_, run) =>
    simulateRun(random, { id: `${name}-${run}`, messages: 100, shift }),
  )
}

/** How many of 100 repeats call anything different. */
function countDifferent(what: string, sides: (random: () => number) => { a: Run[]; b: Run[] }) {
  const random = seededRandom(seed)
  let different = 0
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { figures } = compare({ ...sides(random), differing: [], seed: repeat, resamples: 400 })
    if (figures.some(({ verdict }) => verdict === 'different')) different++
  }
  const share = (100 * different) / repeats
  process.stdout.write(`${what}: different in ${share} % of ${repeats} (seed ${seed})\n`)
  return share
}

// Two standard errors of so many repeats around what is promised for many of them.
const chance = repeats >= 1000 ? 0 : 3

test('equal series of runs are called different in at most 8 of 100', () => {
  const share = countDifferent('runs, A versus A', (random) => ({
    a: series(random, 'a'),
    b: series(random, 'b'),
  }))

  expect(share).toBeLessThanOrEqual(8 + chance)
})

test('a shift of one standard deviation is found in at least 90 of 100', () => {
  const share = countDifferent('runs, shifted', (random) => ({
    a: series(random, 'a'),
    b: series(random, 'b', 1),
  }))

  expect(share).toBeGreaterThanOrEqual(90 - chance)
})

test.each([0, 0.5, 0.8])(
  'equal runs whose messages depend on each other (%d) are called different in at most 8 of 100',
  (phi) => {
    const share = countDifferent(`blocks, A versus A, AR(1) ${phi}`, (random) => {
      // One state of the cluster for both: what differs from run to run is for repeats to show.
      const whole = simulateRun(random, { id: 'a', messages: 400, phi })
      const [one] = whole.transports
      return {
        a: [createRun('a', one?.blocks.slice(0, 200) ?? [])],
        b: [createRun('b', one?.blocks.slice(200) ?? [])],
      }
    })

    expect(share).toBeLessThanOrEqual(8 + chance)
  },
)

test('an experiment against itself is called different in at most 8 of 100', () => {
  const share = countDifferent('blocks, one against itself', (random) => {
    const run = simulateRun(random, { id: 'a', messages: 200, phi: 0.5 })
    return { a: [run], b: [run] }
  })

  expect(share).toBeLessThanOrEqual(8 + chance)
})

test('a shift of one standard deviation is found in two runs of dependent messages', () => {
  const share = countDifferent('blocks, shifted, AR(1) 0.5', (random) => ({
    a: [simulateRun(random, { id: 'a', messages: 200, phi: 0.5 })],
    b: [simulateRun(random, { id: 'b', messages: 200, phi: 0.5, shift: 1 })],
  }))

  expect(share).toBeGreaterThanOrEqual(90 - chance)
})
