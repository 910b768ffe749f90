import { randomInt } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { createClientCounts, openClientCounts } from './client-counts.ts'

const usual = { mostConnections: 64, mostOfClient: 2, seed: 5 }
const setUp = (limits: Partial<typeof usual> = {}) => {
  const all = { ...usual, ...limits }
  return openClientCounts(createClientCounts(all.mostConnections), all)
}
const client = (number: number): Int32Array => Int32Array.from([0, 0, 0xff_ff, number])

test('a client enters as often as its limit allows, and again when one of its own has left', () => {
  const counts = setUp()
  expect([1, 1, 1, 2].map((number) => counts.enter(client(number)))).toEqual([
    true,
    true,
    false,
    true,
  ])

  counts.leave(client(1))

  expect(counts.enter(client(1))).toBe(true)
})

test('nobody is admitted beyond the limit of all', () => {
  const counts = setUp({ mostConnections: 2 })
  expect([counts.admit(), counts.admit(), counts.admit()]).toEqual([true, true, false])
  expect(counts.total).toBe(2)

  counts.dismiss()

  expect(counts.admit()).toBe(true)
})

test('counts are those of a plain map, whoever comes and goes', () => {
  const seed = Number(process.env.CORROPORT_SEED ?? randomInt(1_000_000))
  console.info(`CORROPORT_SEED=${seed}`)
  let state = seed
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const counts = setUp({ mostOfClient: 3, seed })
  const model = new Map<number, number>()
  const open: number[] = []
  for (let step = 0; step < 50_000; step += 1) {
    if (next(2) === 0 && open.length > 0) {
      const [gone = 0] = open.splice(next(open.length), 1)
      counts.leave(client(gone))
      model.set(gone, (model.get(gone) ?? 0) - 1)
    } else {
      const comer = next(40)
      const isFree = (model.get(comer) ?? 0) < 3
      if (open.length === usual.mostConnections) continue
      if (counts.enter(client(comer)) !== isFree) throw new Error(`step ${step}: ${comer}`)
      if (!isFree) continue
      open.push(comer)
      model.set(comer, (model.get(comer) ?? 0) + 1)
    }
  }
  for (const gone of open) counts.leave(client(gone))
  for (let comer = 0; comer < 40; comer += 1) expect(counts.enter(client(comer))).toBe(true)
})
