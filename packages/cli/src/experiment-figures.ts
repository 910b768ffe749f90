import {
  type Distribution,
  deliveryInterval,
  distributionsOf,
  type ExperimentFigures,
  samplesNeeded,
  type TransportFigures,
} from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

/** The figures of an experiment, a table for each transport. */
export function printFigures({ transports, flush }: ExperimentFigures, terminal: Terminal): void {
  for (const figures of transports) printTransport(figures, terminal)
  if (flush.sights > 0 && flush.mean_ms !== null) {
    const mean = formatDuration(flush.mean_ms)
    terminal.print('')
    terminal.print(
      `updates feed to subscription: ${mean} on average (n ${flush.sights}), in no figure above`,
    )
  }
}

/** `5.21 ms`; why there is none, where too few samples support it. */
export function percentileText(
  of: Pick<Distribution, 'n' | 'p50_ms' | 'p95_ms' | 'p99_ms'>,
  name: 'p50' | 'p95' | 'p99',
): string {
  const ms = of[`${name}_ms`]
  if (ms !== null) return formatDuration(ms)
  const needed = samplesNeeded[name]
  return of.n > 0 && of.n < needed ? `– (needs ${needed})` : '–'
}

export function durationText(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms)
}

/** `± 0.41 ms` */
export function boundText(ms: number | null): string {
  return ms === null ? '–' : `± ${formatDuration(ms)}`
}

/** `95.12 %`; a share that is not quite everything is never rounded to everything. */
export function shareText(share: number): string {
  const text = `${(share * 100).toFixed(2)} %`
  if (share < 1 && text === '100.00 %') return '> 99.99 %'
  if (share > 0 && text === '0.00 %') return '< 0.01 %'
  return text
}

function printTransport(figures: TransportFigures, terminal: Terminal): void {
  const { transport, one_way: oneWay, warnings } = figures
  terminal.print('')
  terminal.print({ text: transport, style: 'bold' }, ...countParts(figures))
  const rows = distributionsOf(figures).map(([name, of]): Part[] => [
    name,
    String(of.n),
    percentileText(of, 'p50'),
    percentileText(of, 'p95'),
    percentileText(of, 'p99'),
    durationText(of.max_ms),
    name === 'one way' ? boundText(oneWay.bound_ms) : '',
  ])
  printTable(['FIGURE', 'N', 'P50', 'P95', 'P99', 'MAX', 'BOUND'], rows, terminal)
  const interval = figures.median_interval
  if (interval) {
    const [low, high] = [interval.from_ms, interval.to_ms].map(formatDuration)
    terminal.print(`median round trip: 95 % interval ${low} to ${high}, messages as the samples`)
  }
  if (oneWay.negatives > 0 || oneWay.unknown > 0) {
    terminal.print(
      { text: 'one way', style: 'yellow' },
      `: ${oneWay.negatives} below zero, counted as they are; ${oneWay.unknown} without a clock sample`,
    )
  }
  for (const receiver of figures.receivers) {
    if (receiver.lost === 0 && receiver.late === 0) continue
    const { node_id: nodeId, lost, late, expected } = receiver
    terminal.print(
      { text: nodeId ?? '?', style: 'red' },
      `: ${lost} of ${expected} lost, ${late} late`,
    )
  }
  for (const warning of warnings)
    terminal.print({ text: 'warning', style: 'yellow' }, `: ${warning}`)
}

function countParts({ counts, delivery_rate }: TransportFigures): Part[] {
  const { sent, accepted, failed, skipped, unsettled, warmup, lost, late, acks } = counts
  const problems = Object.entries({ failed, skipped, unsettled }).filter(([, count]) => count > 0)
  const interval = deliveryInterval(counts)
  return [
    `  ${sent} sent${warmup > 0 ? ` (and ${warmup} to warm up, not counted)` : ''}, ${accepted} accepted`,
    ...problems.flatMap(([name, count]): Part[] => [
      ', ',
      { text: `${count} ${name}`, style: 'red' },
    ]),
    `; ${acks} of ${counts.expected_acks} acks, `,
    { text: `${lost} lost`, style: lost > 0 ? 'red' : 'green' },
    late > 0 ? `, ${late} late` : '',
    delivery_rate === null ? '' : `; delivered ${shareText(delivery_rate)}`,
    interval ? ` (95 % interval ${shareText(interval[0])} to ${shareText(interval[1])})` : '',
  ]
}
