import { fromTimestamp, type TransportFigures } from '@corroport/contracts'
import type { AckPoint, ClockPoint } from '../bundle/record-pictures.ts'
import type { Thinned } from '../bundle/thinned.ts'
import { formatDuration } from '../duration.ts'
import { chart, linearAxis, logarithmicAxis, px, xPixels, yPixels } from './chart.ts'
import { type Html, html } from './html.ts'

const colours = 8

/** Class of the colour of a series; they come again after eight. */
function colourOf(index: number): string {
  return `c${index % colours}`
}

/** Round trips: bars of logarithmic buckets, and the percentiles. */
export function distributionPicture({ round_trip, histogram }: TransportFigures): Html {
  const buckets = histogram.logarithmic.filter(({ count }) => count > 0)
  const [first, last] = [buckets[0], buckets.at(-1)]
  if (!first || !last) return html`<p>No acknowledgement arrived.</p>`
  // A bucket that begins at zero has no place on a logarithmic axis but its upper edge's.
  const low = first.from_ms > 0 ? first.from_ms : last.to_ms / 1000
  const height = 240
  const x = logarithmicAxis([low, last.to_ms], xPixels())
  const y = linearAxis([0, Math.max(...buckets.map(({ count }) => count))], yPixels(height))
  const bars = buckets.map(({ from_ms, to_ms, count }) => {
    const left = x.at(Math.max(low, from_ms))
    const right = Math.max(left + 1, x.at(to_ms) - 1)
    return html`<path class="bar" d="M${px(left)} ${px(y.at(0))}V${px(y.at(count))}H${px(right)}V${px(y.at(0))}z"><title>${formatDuration(from_ms)} to ${formatDuration(to_ms)}: ${count}</title></path>`
  })
  const lines = (['p50', 'p95', 'p99'] as const).flatMap((name, index) => {
    const ms = round_trip[`${name}_ms`]
    if (ms === null || ms < low) return []
    const at = px(x.at(ms))
    // Beside its line, on the side where there is room.
    const side = x.at(ms) > 600 ? html`text-anchor="end" dx="-4"` : html`dx="4"`
    return [
      html`<path class="mark" d="M${at} ${px(y.at(0))}V18"/><text class="mark" x="${at}" y="${28 + index * 13}" ${side}>${name} ${formatDuration(ms)}</text>`,
    ]
  })
  const description = `distribution of ${round_trip.n} round trips`
  return chart(
    { x, y, xLabel: 'round trip, ms (logarithmic)', yLabel: 'acks', height, description },
    [...bars, ...lines],
  )
}

/** The share of the acknowledgements that had come within a time, of all transports in one frame. */
export function transportsPicture(transports: readonly TransportFigures[]): Html {
  const lines = transports.flatMap(({ transport, round_trip: { n }, histogram }) => {
    // At the edge of a bucket, of either kind, it is known how many had come.
    const points = [histogram.linear, histogram.logarithmic]
      .flatMap(cumulated)
      .toSorted((one, other) => one.ms - other.ms || one.acks - other.acks)
    return points.length === 0 ? [] : [{ transport, n, points }]
  })
  const all = lines.flatMap(({ points }) => points.flatMap(({ ms }) => (ms > 0 ? [ms] : [])))
  if (all.length === 0) return html`<p>No acknowledgement arrived.</p>`
  const height = 240
  const [low, high] = extent(all)
  const x = logarithmicAxis([low, high], xPixels())
  const y = linearAxis([0, 100], yPixels(height))
  const content = lines.map(({ n, points }, index) => {
    const path = points.map(
      ({ ms, acks }, place) =>
        `${place === 0 ? 'M' : 'L'}${px(x.at(Math.max(low, ms)))} ${px(y.at((100 * acks) / n))}`,
    )
    return html`<path class="line ${colourOf(index)}" d="${path.join('')}"/>`
  })
  const description = 'share of the acknowledgements that had come within a time, by transport'
  return html`${chart({ x, y, xLabel: 'round trip, ms (logarithmic)', yLabel: 'acks that had come, %', height, description }, content)}
<p class="legend">${lines.map(({ transport, n }, index) => html`<span class="${colourOf(index)}">${transport} (n ${n})</span> `)}</p>`
}

/** How many were below each edge, from the one before the first sample on. */
function cumulated(buckets: TransportFigures['histogram']['linear']) {
  const from = buckets.findIndex(({ count }) => count > 0)
  const begin = buckets[from]
  if (!begin) return []
  let acks = 0
  return [
    { ms: begin.from_ms, acks },
    ...buckets.slice(from).map(({ to_ms: ms, count }) => {
      acks += count
      return { ms, acks }
    }),
  ]
}

/** Each acknowledgement at the time its message was sent, and what slices of that time come to. */
export function timePicture(
  acks: Thinned<AckPoint>,
  { series, receivers }: Pick<TransportFigures, 'series' | 'receivers'>,
  startedAt: number,
): Html {
  const all = [...acks.series.values()].flat()
  if (all.length === 0) return html`<p>No acknowledgement arrived.</p>`
  const nodes = receivers.flatMap(({ node_id }) => node_id ?? [])
  const height = 280
  const seconds = ({ sentAt }: AckPoint) => (sentAt - startedAt) / 1e6
  const ends = series.flatMap(({ from_s, to_s }) => [from_s, to_s])
  const x = linearAxis(extent([...all.map(seconds), ...ends]), xPixels())
  // A wall clock that was set makes round trips below zero.
  const y = linearAxis(extent([0, ...all.map(({ roundTripMs }) => roundTripMs)]), yPixels(height))
  const marks = nodes.flatMap((node, index) => {
    const points = acks.series.get(node) ?? []
    if (points.length === 0) return []
    const dots = points.map(
      (point) => `M${px(x.at(seconds(point)))} ${px(y.at(point.roundTripMs))}h0`,
    )
    return [
      html`<path class="dot ${colourOf(index)}" d="${dots.join('')}"><title>${node}</title></path>`,
    ]
  })
  const slices = series.flatMap(({ from_s, to_s, lost, expected_acks, round_trip }) => {
    const [from, to] = [px(x.at(from_s)), px(x.at(to_s))]
    const steps = (['p50', 'p95'] as const).flatMap((name) => {
      const ms = round_trip[`${name}_ms`]
      if (ms === null) return []
      return [
        html`<path class="line slice ${name}" d="M${from} ${px(y.at(ms))}H${to}"><title>${name} ${formatDuration(ms)} (n ${round_trip.n})</title></path>`,
      ]
    })
    if (lost === 0) return steps
    const loss = html`<path class="lost" d="M${from} ${px(y.at(0))}H${to}"><title>${lost} of ${expected_acks} lost</title></path>`
    return [...steps, loss]
  })
  const description = 'round trips over the time of sending, by receiver'
  return html`${chart({ x, y, xLabel: 'sent, s since the start', yLabel: 'round trip, ms', height, description }, [...marks, ...slices])}
<p class="legend">${nodes.map((node, index) => html`<span class="${colourOf(index)}">${node}</span> `)}</p>
<p>Lines: p50 and, dotted, p95 of the messages that left in that time; red on the axis: some of theirs were lost.
${strideText(acks, 'acknowledgements, those of the warm-up included,')}</p>`
}

/** When the acknowledgements of one receiver arrived: bursts show what batches them. */
export function strip(points: readonly AckPoint[], [from, to]: readonly [number, number]): Html {
  const span = to - from || 1
  const ticks = new Set(
    points.map(({ sentAt, roundTripMs }) =>
      px(((sentAt + roundTripMs * 1000 - from) / span) * 300),
    ),
  )
  const marks = [...ticks].map((at) => `M${at} 0v14`)
  return html`<svg class="strip" viewBox="0 0 300 14" role="img" aria-label="${points.length} arrivals"><path d="${marks.join('')}"/></svg>`
}

/** First and last arrival of all receivers, in microseconds. */
export function arrivalsOf({ series }: Thinned<AckPoint>): [number, number] {
  const arrivals = [...series.values()]
    .flat()
    .map(({ sentAt, roundTripMs }) => sentAt + roundTripMs * 1000)
  return arrivals.length === 0 ? [0, 1] : extent(arrivals)
}

/** Time until a share of the receivers had acknowledged. */
export function coveragePicture({ coverage }: TransportFigures): Html {
  const lines = (['p50', 'p95', 'p99'] as const).flatMap((name) => {
    const points = coverage.flatMap(({ share, reached }) => {
      const ms = reached[`${name}_ms`]
      return ms === null ? [] : [{ share, ms }]
    })
    return points.length === 0 ? [] : [{ name, points }]
  })
  const all = lines.flatMap(({ points }) => points)
  if (all.length === 0) return html`<p>No acknowledgement arrived.</p>`
  const height = 220
  const x = linearAxis(extent([0, ...all.map(({ ms }) => ms)]), xPixels())
  const y = linearAxis([0, 100], yPixels(height))
  const content = lines.map(({ name, points }, index) => {
    const path = points.map(
      ({ share, ms }, place) =>
        `${place === 0 ? 'M' : 'L'}${px(x.at(ms))} ${px(y.at(share * 100))}`,
    )
    const dots = points.map(({ share, ms }) => `M${px(x.at(ms))} ${px(y.at(share * 100))}h0`)
    const end = points.at(-1)
    const label = end
      ? html`<text x="${px(x.at(end.ms))}" y="${px(y.at(end.share * 100) - 5)}" text-anchor="end">${name}</text>`
      : ''
    return html`<path class="line ${colourOf(index)}" d="${path.join('')}"/><path class="dot big ${colourOf(index)}" d="${dots.join('')}"/>${label}`
  })
  const description = 'time until a share of the receivers had acknowledged'
  return chart(
    { x, y, xLabel: 'ms since sending', yLabel: 'receivers, %', height, description },
    content,
  )
}

/** Offsets of the nodes' clocks from the one of analytics, with their bounds. */
export function clocksPicture(clocks: Thinned<ClockPoint>, startedAt: number): Html {
  const all = [...clocks.series.values()].flat()
  if (all.length === 0) return html`<p>No clock was compared in the time of this experiment.</p>`
  const nodes = [...clocks.series.keys()].toSorted()
  const height = 220
  const seconds = ({ at }: ClockPoint) => (at - startedAt) / 1e6
  const x = linearAxis(extent(all.map(seconds)), xPixels())
  const edges = all.flatMap(({ offsetMs, boundMs }) => [offsetMs - boundMs, offsetMs + boundMs])
  const y = linearAxis(extent(edges), yPixels(height))
  const content = nodes.map((node, index) => {
    const bars = (clocks.series.get(node) ?? []).map((point) => {
      const { offsetMs, boundMs } = point
      return `M${px(x.at(seconds(point)))} ${px(y.at(offsetMs - boundMs))}V${px(y.at(offsetMs + boundMs))}`
    })
    return html`<path class="line ${colourOf(index)}" d="${bars.join('')}"><title>${node}</title></path>`
  })
  const description = 'offsets of clocks with their bounds'
  return html`${chart({ x, y, xLabel: 's since the start', yLabel: 'offset ± bound, ms', height, description }, content)}
<p class="legend">${nodes.map((node, index) => html`<span class="${colourOf(index)}">${node}</span> `)}</p>
<p>${strideText(clocks, 'samples')}</p>`
}

export function microsecondsOf(timestamp: string | null): number {
  return timestamp === null ? 0 : (fromTimestamp(timestamp) ?? 0)
}

/** Thinning must not pass for the whole. */
function strideText({ stride, added }: { stride: number; added: number }, what: string): string {
  return stride === 1
    ? `All ${added} ${what} are drawn.`
    : `One of ${stride} of ${added} ${what} is drawn.`
}

function extent(values: readonly number[]): [number, number] {
  // Spread into Math.min, many values would overflow the stack.
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return [low, high]
}
