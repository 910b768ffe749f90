import { expect, test } from '@jest/globals'
import { compare, type Run } from './compare.ts'
import { seededRandom } from './seeded-random.ts'
import type { Block } from './units.ts'

const repeats = Number(process.env['CORROPORT_REPEATS'] ?? 200)
const seed = Number(process.env['CORROPORT_SEED'] ?? 20_261_121)
const receivers = 2

/** Round trips of about 5 ms; `shift` in standard deviations, `phi` from one message to the next. */
function simulateRun(
  random: () => number,
  options: { id: string; messages: number; phi?: number; shift?: number; lossRate?: number },
): Run {
  const { id, messages, phi = 0, shift = 0, lossRate = 0 } = options
  const level = 0.2 * normal(random)
  let state = normal(random)
  const blocks = Array.from({ length: messages }, (): Block => {
    state = phi * state + Math.sqrt(1 - phi ** 2) * normal(random)
    const block: Block = { messages: 1, expected: receivers, acks: 0, buckets: {} }
    for (let receiver = 0; receiver < receivers; receiver++) {
      if (random() < lossRate) continue
      const deviations = level + Math.sqrt(0.75) * state + Math.sqrt(0.25) * normal(random) + shift
      const upper = bucketOf(5000 + 800 * deviations)
      block.acks++
      block.buckets[upper] = (block.buckets[upper] ?? 0) + 1
    }
    return block
  })
  return { id, transports: [{ transport: 'gossip', blocks }] }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function bucketOf(microseconds: number): string {
  return String(1.01 ** Math.ceil(Math.log(Math.max(microseconds, 1)) / Math.log(1.01)))
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
    const { figures } = compare({ ...sides(random), seed: repeat, resamples: 400 })
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
      const half = (id: string, blocks: Block[] = []): Run => ({
        id,
        transports: [{ transport: 'gossip', blocks }],
      })
      return {
        a: [half('a', one?.blocks.slice(0, 200))],
        b: [half('b', one?.blocks.slice(200))],
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
