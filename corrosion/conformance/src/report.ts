import type { Outcome } from './run-groups.ts'

/** One line per group, then the reasons of what is known, then each unknown difference in full. */
export function reportOf(title: string, outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, ({ group }) => group)
  const table = [
    row('group', 'cases', 'same', 'known', 'unknown', 'seconds'),
    ...[...groups].map(([group, members]) => rowOf(group, members)),
    rowOf('all', outcomes),
  ]
  const reasons = outcomes.flatMap(({ verdict }) =>
    verdict.kind === 'known' ? verdict.reasons : [],
  )
  const known = [...Map.groupBy(reasons, (reason) => reason)].map(
    ([reason, times]) => `  ${times.length} × ${reason}`,
  )
  const unknown = outcomes.flatMap((outcome) => detailsOf(outcome))
  return [
    title,
    ...table,
    ...(known.length === 0 ? [] : ['', 'known differences:', ...known]),
    ...(unknown.length === 0 ? [] : ['', 'unknown differences:', ...unknown]),
    '',
  ].join('\n')
}

/** What was wanted and did not come is marked with -, what came instead with +. */
export function detailsOf({ name, verdict }: Outcome): string[] {
  if (verdict.kind !== 'unknown') return []
  const { wanted, got, reasons } = verdict
  const note = reasons.length === 0 ? '' : `, listed as different: ${reasons.join('; ')}`
  const start = wanted.findIndex((line, index) => line !== got[index])
  const from = start === -1 ? wanted.length : start
  let common = 0
  while (
    common < Math.min(wanted.length, got.length) - from &&
    wanted.at(-1 - common) === got.at(-1 - common)
  ) {
    common += 1
  }
  const marked = (mark: string) => (line: string) => `  ${mark} ${line}`
  return [
    `${name}${note}`,
    ...wanted.slice(0, from).map(marked(' ')),
    ...wanted.slice(from, wanted.length - common).map(marked('-')),
    ...got.slice(from, got.length - common).map(marked('+')),
    ...wanted.slice(wanted.length - common).map(marked(' ')),
  ]
}

function rowOf(group: string, outcomes: readonly Outcome[]): string {
  const count = (kind: Outcome['verdict']['kind']) =>
    outcomes.filter(({ verdict }) => verdict.kind === kind).length
  const durationMs = outcomes.reduce((sum, outcome) => sum + outcome.durationMs, 0)
  return row(
    group,
    outcomes.length,
    count('same'),
    count('known'),
    count('unknown'),
    (durationMs / 1000).toFixed(1),
  )
}

function row(first: string, ...cells: (string | number)[]): string {
  return first.padEnd(20) + cells.map((cell) => String(cell).padStart(9)).join('')
}
