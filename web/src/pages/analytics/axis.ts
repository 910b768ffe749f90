export interface Axis {
  /** Pixels of a value. */
  at(value: number): number
  ticks: readonly number[]
}

export interface Scale {
  low: number
  high: number
  kind: 'linear' | 'logarithmic'
}

/** From one end of the frame to the other; of a logarithmic one all values are above zero. */
export function createAxis(scale: Scale, [start, end]: readonly [number, number]): Axis {
  const { low, high } = widened(scale)
  // Some 70 pixels for a label along, 30 up.
  const wanted = Math.max(2, Math.abs(end - start) / (end > start ? 70 : 30))
  if (scale.kind === 'linear' || low <= 0) {
    const span = high - low
    return {
      at: (value) => start + ((value - low) / span) * (end - start),
      ticks: evenTicks(low, span, wanted),
    }
  }
  const from = Math.log10(low)
  const span = Math.log10(high) - from
  return {
    at: (value) => start + ((Math.log10(Math.max(low, value)) - from) / span) * (end - start),
    ticks: powerTicks(low, high, wanted),
  }
}

/** Of one value alone there is no span. */
function widened({ low, high, kind }: Scale): { low: number; high: number } {
  if (high > low) return { low, high }
  return kind === 'linear' || low <= 0 ? { low, high: low + 1 } : { low: low / 2, high: low * 2 }
}

function powerTicks(low: number, high: number, wanted: number): number[] {
  const first = Math.floor(Math.log10(low))
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, index) => 10 ** (first + index),
  )
  const inside = (ticks: number[]) => ticks.filter((tick) => tick >= low && tick <= high)
  const fine = inside(decades.flatMap((decade) => [decade, 2 * decade, 5 * decade]))
  const ticks = fine.length <= wanted ? fine : inside(decades)
  // Values that lie close together may have none of these between them.
  return ticks.length > 1 ? ticks : evenTicks(low, high - low, wanted)
}

function evenTicks(low: number, span: number, wanted: number): number[] {
  const rough = span / wanted
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = magnitude * ([1, 2, 5, 10].find((digit) => digit * magnitude >= rough) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const count = Math.max(0, Math.floor((low + span) / step + 1e-9) - first + 1)
  return Array.from({ length: count }, (_, index) =>
    Number(((first + index) * step).toPrecision(9)),
  )
}
