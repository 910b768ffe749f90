/** The filter of all subjects that match both; undefined where there is none. */
export function commonFilter(one: string, other: string): string | undefined {
  const left = one.split('.')
  const right = other.split('.')
  const common: string[] = []
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [a, b] = [left[index], right[index]]
    if (a === undefined || b === undefined) return undefined
    if (a === '>') return [...common, ...right.slice(index)].join('.')
    if (b === '>') return [...common, ...left.slice(index)].join('.')
    if (a !== b && a !== '*' && b !== '*') return undefined
    common.push(a === '*' ? b : a)
  }
  return common.join('.')
}

/** Without those whose subjects another one matches too: NATS refuses them in one consumer. */
export function withoutCovered(filters: readonly string[]): string[] {
  const different = [...new Set(filters)]
  return different.filter(
    (filter) =>
      !different.some((other) => other !== filter && commonFilter(filter, other) === filter),
  )
}
