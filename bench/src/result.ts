import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Figure, figureTable } from './figure.ts'

export interface Result {
  figures: Figure[]
  /** Whatever the figures were made from. */
  raw: Record<string, unknown>
}

const StoredResult = Type.Object({
  measuredAt: Type.String(),
  machine: Type.Object({
    cores: Type.Integer(),
    cpu: Type.String(),
    memoryGigabytes: Type.Integer(),
    kernel: Type.String(),
    node: Type.String(),
  }),
  figures: Type.Array(
    Type.Object({
      name: Type.String(),
      measured: Type.String(),
      baseline: Type.String(),
      bar: Type.String(),
      isMet: Type.Boolean(),
    }),
  ),
})

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'bench/results')

/** Keeps the result, makes `docs/benchmarks.md` anew from all that are kept, and prints the table. */
export function writeResult(name: string, { figures, raw }: Result): void {
  const machine = {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
  const measuredAt = new Date().toISOString()
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, `${name}.json`),
    `${JSON.stringify({ measuredAt, machine, figures, raw }, undefined, 2)}\n`,
  )
  writeFileSync(join(root, 'docs/benchmarks.md'), renderPage())
  console.log(figureTable(figures))
  if (!figures.every(({ isMet }) => isMet)) process.exitCode = 1
}

function renderPage(): string {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
  const sections = names.toSorted().map((name) => {
    const text = readFileSync(join(folder, `${name}.json`), 'utf8')
    const { measuredAt, machine, figures } = Value.Parse(StoredResult, JSON.parse(text))
    return `
## ${name}

\`npm run bench -- ${name}\`, [raw result](../bench/results/${name}.json). ${measuredAt.slice(0, 10)}, ${machine.cores} cores, ${machine.cpu},
${machine.memoryGigabytes} GB, Node ${machine.node}.

${figureTable(figures)}
`
  })
  return `# Measured

All parts, the bench among them, share one machine, and every figure stands beside a baseline of the same run: compare
the two, not the milliseconds of different machines. This page is made from the results in \`bench/results\`.
${sections.join('')}`
}
