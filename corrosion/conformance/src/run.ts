import { parseArgs } from 'node:util'
import { type Endings, readEndings } from './groups/histories.ts'
import { createGroups } from './groups.ts'
import { reportOf } from './report.ts'
import { kindOf, runGroups } from './run-groups.ts'

const usage = `usage: node corrosion/conformance/src/run.ts --agent <path> [--agent <path>]
  --only <group>   one group
  --seed <n>       of the first random history (default: the recorded ones)
  --count <n>      how many histories
  --json           one line of JSON per agent
`

const { values } = parseArgs({
  options: {
    agent: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    seed: { type: 'string' },
    count: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})

// One map for all agents: of a history that is not recorded, the first agent's ending is the measure.
const endings: Endings = readEndings()
const seeds =
  values.seed === undefined
    ? [...endings.keys()]
    : Array.from({ length: Number(values.count) || 1 }, (_, index) => Number(values.seed) + index)
const chooseGroups = () =>
  createGroups(seeds, endings).filter(({ name }) => name === (values.only ?? name))

if (
  values.agent.length === 0 ||
  !seeds.every(Number.isSafeInteger) ||
  chooseGroups().length === 0
) {
  const names = new Set(createGroups(seeds, endings).map(({ name }) => name))
  process.stderr.write(`${usage}groups: ${[...names].join(', ')}\n`)
  process.exit(2)
}

for (const binary of values.agent) {
  const kind = await kindOf(binary)
  const startedAt = performance.now()
  const outcomes = await runGroups(binary, kind, chooseGroups())
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ agent: binary, kind, seeds, seconds, outcomes })}\n`
      : reportOf(`${kind}: ${binary}, histories ${seeds.join(', ')}, ${seconds} s`, outcomes),
  )
  if (outcomes.some(({ verdict }) => verdict.kind === 'unknown')) process.exitCode = 1
}
