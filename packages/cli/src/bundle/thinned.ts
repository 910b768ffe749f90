const most = 20_000

/** Values by series, for pictures: beyond so many, every second, fourth, … of each is kept. */
export interface Thinned<T> {
  readonly series: ReadonlyMap<string, readonly T[]>
  readonly added: number
  /** One of so many is kept. */
  readonly stride: number
  add(series: string, value: T): void
}

export function createThinned<T>(): Thinned<T> {
  const series = new Map<string, T[]>()
  const seen = new Map<string, number>()
  let added = 0
  let kept = 0
  let stride = 1
  return {
    series,
    get added() {
      return added
    },
    get stride() {
      return stride
    },
    add(name, value) {
      added += 1
      const index = seen.get(name) ?? 0
      seen.set(name, index + 1)
      if (index % stride !== 0) return
      const values = series.get(name) ?? []
      series.set(name, values)
      values.push(value)
      kept += 1
      if (kept <= most) return
      stride *= 2
      kept = 0
      for (const [each, all] of series) {
        const half = all.filter((_, place) => place % 2 === 0)
        series.set(each, half)
        kept += half.length
      }
    },
  }
}
