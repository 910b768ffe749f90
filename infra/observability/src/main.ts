import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { dashboards } from './dashboards/dashboards.ts'
import { composeTargets } from './targets.ts'

// node infra/observability/src/main.ts writes the generated files; with --check it names the stale
// ones. `targets --nodes 5 --out <folder>` writes what Prometheus asks where there are not three nodes.
const usualNodes = 3
const mostNodes = 100

const usage = `usage: main.ts [--check] | main.ts targets --nodes <1 to ${mostNodes}> --out <folder>`

const { positionals, values } = readArguments()

const toFiles = (folder: string, documents: Readonly<Record<string, unknown>>) =>
  Object.entries(documents).map(([name, document]): [string, string] => [
    join(folder, name),
    `${JSON.stringify(document, undefined, 2)}\n`,
  ])

const root = join(import.meta.dirname, '..')
const [command] = positionals
if (command === undefined) {
  const files = [
    ...toFiles(join(root, 'prometheus/targets'), composeTargets(usualNodes)),
    ...toFiles(join(root, 'grafana/dashboards'), dashboards()),
  ]
  const stale = files.filter(
    ([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text,
  )
  if (values.check) {
    for (const [path] of stale) {
      console.error(`${path} is stale: run node infra/observability/src/main.ts`)
    }
    process.exitCode = stale.length === 0 ? 0 : 1
  } else write(stale)
} else {
  const nodes = Number(values.nodes)
  if (command !== 'targets' || values.out === undefined || !isCount(nodes)) {
    console.error(usage)
    process.exitCode = 2
  } else write(toFiles(values.out, composeTargets(nodes)))
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        check: { type: 'boolean', default: false },
        nodes: { type: 'string' },
        out: { type: 'string' },
      },
    })
  } catch (error) {
    console.error(Error.isError(error) ? error.message : error)
    console.error(usage)
    return process.exit(2)
  }
}

function write(files: readonly (readonly [path: string, text: string])[]): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`${path} written`)
  }
}

function isCount(nodes: number): boolean {
  return Number.isInteger(nodes) && nodes >= 1 && nodes <= mostNodes
}
