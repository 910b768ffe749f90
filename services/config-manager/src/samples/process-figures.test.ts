import { expect, test } from '@jest/globals'
import { createCpuShare } from './cpu-share.ts'
import { parseProcess, readProcess } from './process-figures.ts'

const fields = 'S 1 1 1 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 8 0 100 0 0'

test('times and memory are found behind a name with parentheses', () => {
  const stat = `42 (a (b) c) ${fields}`

  expect(parseProcess(stat, 'Name:\ta\nVmRSS:\t    2048 kB\n')).toEqual({
    usedMs: 3000,
    residentBytes: 2048 * 1024,
  })
})

test('a process that has ended and was not waited for has no figures', () => {
  expect(parseProcess(`42 (agent) ${fields}`, 'Name:\tagent\nState:\tZ (zombie)\n')).toBeUndefined()
})

test('a process that is not there has no figures', async () => {
  // Above the highest id that Linux gives.
  expect(await readProcess(2 ** 22 + 1)).toBeUndefined()
})

test('a share is of one core, over the time between, and of one process', () => {
  const share = createCpuShare()

  expect(share(1, 500, 0)).toBeNull()
  expect(share(1, 3000, 5000)).toBe(50)
  expect(share(2, 100, 10_000)).toBeNull()
  expect(share(2, 10_100, 15_000)).toBe(200)
})
