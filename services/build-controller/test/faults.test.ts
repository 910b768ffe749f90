// The short form of `npm run bench -- build-faults`.
import { expect, jest, test } from '@jest/globals'
import { runFaults } from './fault-run.ts'

jest.setTimeout(180_000)

test('while controllers and Postgres are killed, each build ends once, and not by a stale lease', async () => {
  const found = await runFaults({ builds: 600, workers: 24, faultsForMs: 15_000 })

  expect(found.wrong).toEqual([])
  expect(Object.keys(found.faults).length).toBeGreaterThan(1)
})
