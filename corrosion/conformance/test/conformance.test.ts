import { join } from 'node:path'
import { findCorrosion } from '@corroport/testing'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { readEndings } from '../src/groups/histories.ts'
import { createGroups } from '../src/groups.ts'
import { detailsOf } from '../src/report.ts'
import { kindOf, type Outcome, runGroups } from '../src/run-groups.ts'

/** Far above what it takes, for a machine that does much else. */
const runTimeoutMs = 300_000

const developmentAgent = join(import.meta.dirname, '../../agent/bin/corrosion')
const installed = findCorrosion()
const realAgent =
  installed !== undefined && (await kindOf(installed)) !== 'development' ? installed : undefined

// The recorded histories, and one that nobody has seen. The real agent's ending of it, where there
// is one, is what the development agent's is compared with.
const seed = Date.now() % 1_000_000
const endings = readEndings()
const seeds = [...endings.keys(), seed]
console.info(`history ${seed}: to see it again, run.ts --only history --seed ${seed}`)

test('a real agent is there where it is required', () => {
  const required = (process.env.CORROPORT_TEST_REQUIRE ?? '').split(',')

  expect(realAgent !== undefined || !required.includes('corrosion')).toBe(true)
})

describe.each([realAgent, developmentAgent].filter((path) => path !== undefined))(
  '%s',
  (binary) => {
    const kind = binary === developmentAgent ? 'development' : undefined
    const groups = createGroups(seeds, endings).filter(
      ({ agents }) => agents === undefined || (kind !== undefined && agents.includes(kind)),
    )
    let outcomes: Outcome[] = []

    beforeAll(async () => {
      outcomes = await runGroups(binary, await kindOf(binary), groups)
    }, runTimeoutMs)

    test.each(groups.flatMap(({ name, cases }) => cases.map((each) => [name, each.name] as const)))(
      '%s: %s',
      (_group, name) => {
        const outcome = outcomes.find((each) => each.name === name)

        expect(outcome === undefined ? ['it was not run'] : detailsOf(outcome)).toEqual([])
      },
    )
  },
)
