import { type Html, html } from './html.ts'

const width = 760
const margin = { left: 64, right: 16, top: 18, bottom: 34 }

export interface Axis {
  /** Pixels of a value, inside the frame. */
  at(value: number): number
  ticks: readonly number[]
}

export interface Frame {
  x: Axis
  y: Axis
  xLabel: string
  yLabel: string
  height: number
  /** What the picture says, for those who do not see it. */
  description: string
}

export function linearAxis(
  [low, high]: readonly [number, number],
  pixels: readonly [number, number],
): Axis {
  const span = high - low || 1
  return {
    at: (value) => pixels[0] + ((value - low) / span) * (pixels[1] - pixels[0]),
    ticks: evenTicks(low, span),
  }
}

function evenTicks(low: number, span: number): number[] {
  const step = niceStep(span / 6)
  const first = Math.ceil(low / step)
  const count = Math.max(0, Math.floor((low + span) / step + 1e-9) - first + 1)
  return Array.from({ length: count }, (_, index) => (first + index) * step)
}

/** For values above zero. */
export function logarithmicAxis(
  [low, high]: readonly [number, number],
  pixels: readonly [number, number],
): Axis {
  const from = Math.log10(low)
  const span = Math.log10(high) - from || 1
  const decades = Array.from(
    { length: Math.ceil(from + span) - Math.floor(from) + 1 },
    (_, index) => Math.floor(from) + index,
  )
  const ticks = decades
    .flatMap((exponent) => [1, 2, 5].map((digit) => digit * 10 ** exponent))
    .filter((tick) => tick >= low && tick <= high)
  return {
    at: (value) => pixels[0] + ((Math.log10(value) - from) / span) * (pixels[1] - pixels[0]),
    // Values that lie close together may have none of these between them.
    ticks: ticks.length > 2 ? ticks : evenTicks(low, high - low || 1),
  }
}

export function xPixels(): [number, number] {
  return [margin.left, width - margin.right]
}

export function yPixels(height: number): [number, number] {
  return [height - margin.bottom, margin.top]
}

export function chart(
  { x, y, xLabel, yLabel, height, description }: Frame,
  content: readonly Html[],
): Html {
  const [left, right] = xPixels()
  const [bottom, top] = yPixels(height)
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${x.ticks.map((tick) => html`<path class="grid" d="M${px(x.at(tick))} ${top}V${bottom}"/><text x="${px(x.at(tick))}" y="${bottom + 14}" text-anchor="middle">${tickText(tick)}</text>`)}
${y.ticks.map((tick) => html`<path class="grid" d="M${left} ${px(y.at(tick))}H${right}"/><text x="${left - 6}" y="${px(y.at(tick) + 4)}" text-anchor="end">${tickText(tick)}</text>`)}
<text x="${(left + right) / 2}" y="${height - 4}" text-anchor="middle">${xLabel}</text><text x="4" y="11">${yLabel}</text>
${content}
</svg>`
}

/** Tenths of a pixel are enough, and half of a file's size. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function niceStep(rough: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const digit = [1, 2, 5, 10].find((each) => each * magnitude >= rough) ?? 10
  return digit * magnitude
}

function tickText(value: number): string {
  return String(Number(value.toPrecision(6)))
}
