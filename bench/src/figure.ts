/** One row of a result table: what was measured, beside what, and whether it is as it must be. */
export interface Figure {
  name: string
  measured: string
  baseline: string
  bar: string
  isMet: boolean
}

export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(
    ({ name, measured, baseline, bar, isMet }) =>
      `| ${name} | ${measured} | ${baseline} | ${bar} | ${isMet ? 'yes' : '**no**'} |`,
  )
  return [
    '| figure | measured | baseline in the same run | must be | met |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
