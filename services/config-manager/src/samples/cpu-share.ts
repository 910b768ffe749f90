/** Makes percent of one core out of a sum of used milliseconds that is read now and then. */
export function createCpuShare(): (of: number, usedMs: number, at: number) => number | null {
  let before: { of: number; usedMs: number; at: number } | undefined
  return (of, usedMs, at) => {
    const last = before
    before = { of, usedMs, at }
    // Another process begins at nothing.
    if (last?.of !== of || at <= last.at) return null
    return ((usedMs - last.usedMs) / (at - last.at)) * 100
  }
}
