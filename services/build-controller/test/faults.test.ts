import { expect, jest, test } from '@jest/globals'
import { runFaults } from './fault-run.ts'

const builds = Number(process.env.CORROPORT_BUILDS ?? 600)
// At random points from the first build to the last.
const faultsForMs = builds * 25

jest.setTimeout(120_000 + builds * 100)

test('while controllers, workers and Postgres are killed, each build ends once, and not by a stale lease', async () => {
  const found = await runFaults({ builds, workers: 24 + Math.floor(builds / 250), faultsForMs })
  const { ended, faults, late, seconds } = found
  console.info(JSON.stringify({ builds, ended, faults, late, seconds: Math.round(seconds) }))

  expect(found.wrong).toEqual([])
  expect(Object.keys(faults).length).toBeGreaterThan(1)
})
