import {
  deliveryInterval,
  distributionsOf,
  type Experiment,
  type ExperimentFigures,
  type ExperimentProgress,
  measures,
  type ReceiverFigures,
  type TransportFigures,
} from '@corroport/contracts'
import type { Static } from 'typebox'
import type { RecordPictures } from '../bundle/record-pictures.ts'
import { formatDuration } from '../duration.ts'
import { boundText, durationText, percentileText, shareText } from '../experiment-figures.ts'
import { type Html, html } from './html.ts'
import {
  arrivalsOf,
  clocksPicture,
  coveragePicture,
  distributionPicture,
  microsecondsOf,
  strip,
  timePicture,
  transportsPicture,
} from './pictures.ts'
import { styles } from './styles.ts'

export interface Report {
  experiment: Experiment
  progress: ExperimentProgress
  figures: ExperimentFigures
  pairs: readonly Static<typeof ReceiverFigures>[]
  pictures: Pick<RecordPictures, 'acks' | 'clocks'>
  exportedAt: string
}

/** A page that needs nothing but itself: no script, no address of anything else. */
export function renderReport({ experiment, figures, pairs, pictures, exportedAt }: Report): string {
  const { id, plan, status, reason } = experiment
  const startedAt = microsecondsOf(experiment.started_at)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${plan.name} – CorroPort</title>
<style>${styles}</style>
</head>
<body>
<h1>${plan.name}</h1>
<p><b class="${status}">${status}</b>${reason === null ? '' : `: ${reason}`}</p>
${plan.note === '' ? '' : html`<p class="note">${plan.note}</p>`}
${planTable(experiment)}
${figures.is_final ? '' : html`<p class="warning">Not final: of what had arrived by ${figures.computed_at}.</p>`}
${figures.transports.length > 1 ? html`<h2>Both transports</h2>${transportsPicture(figures.transports)}` : ''}
${figures.transports.map((of) => transportSection(of, { pairs, pictures, startedAt, experiment }))}
${flushText(figures)}
<h2>Clocks</h2>
${clocksPicture(pictures.clocks, startedAt)}
<h2>Environment</h2>
${environmentTable(experiment)}
<p>Figures computed ${figures.computed_at}, exported ${exportedAt}. A percentile is the nearest rank; one that
its samples do not support is left out. Experiment <code>${id}</code>.</p>
</body>
</html>
`
  return page.text
}

function flushText({ flush: { sights, mean_ms: meanMs } }: ExperimentFigures): Html | string {
  if (meanMs === null) return ''
  return html`<h2>Flush of subscriptions</h2>
<p>From the updates feed to the subscription: ${formatDuration(meanMs)} on average (n ${sights}), in no figure above.</p>`
}

interface Context extends Pick<Report, 'pairs' | 'pictures' | 'experiment'> {
  startedAt: number
}

function transportSection(figures: TransportFigures, context: Context): Html {
  const { transport, counts, warnings, delivery_rate: rate, one_way: oneWay } = figures
  const { pairs, pictures, startedAt } = context
  const acks = pictures.acks[transport]
  const interval = deliveryInterval(counts)
  const median = figures.median_interval
  const own = pairs.filter((pair) => pair.transport === transport)
  return html`<h2>${transport}</h2>
${warnings.map((warning) => html`<p class="warning">${warning}</p>`)}
<p>${counts.sent} sent (and ${counts.warmup} to warm up, not counted; ${counts.planned} planned), ${counts.accepted} accepted,
${counts.failed} failed, ${counts.skipped} skipped, ${counts.unsettled} unsettled.
${counts.acks} of ${counts.expected_acks} acknowledgements: <b>${counts.lost} lost</b>, ${counts.late} late.
${rate === null ? '' : `Delivered ${shareText(rate)}.`}
${interval ? `95 % interval ${shareText(interval[0])} to ${shareText(interval[1])} (n ${counts.expected_acks}).` : ''}</p>
${distributionTable(figures)}
<p>${median ? `Median round trip: 95 % interval ${formatDuration(median.from_ms)} to ${formatDuration(median.to_ms)}, messages as the samples (n ${figures.first_ack.n}).` : ''}
One way: ${oneWay.bound_ms === null ? 'no bound is known' : boundText(oneWay.bound_ms)}; ${oneWay.negatives} of ${oneWay.n} below zero,
counted as they are; ${oneWay.unknown} without a clock sample.</p>
<h3>Distribution of round trips (n ${figures.round_trip.n})</h3>
${distributionPicture(figures)}
<h3>Round trips over time, by receiver</h3>
${timePicture(acks, figures, startedAt)}
<h3>Receivers</h3>
${receiverTable(figures.receivers, (of) => strip(acks.series.get(of.node_id ?? '') ?? [], arrivalsOf(acks)))}
<h3>Time to k of n receivers</h3>
${coveragePicture(figures)}
${coverageTable(figures)}
${figures.regions.length > 1 ? html`<h3>Regions</h3>${receiverTable(figures.regions)}` : ''}
${own.length > figures.receivers.length ? html`<h3>Pairs</h3>${receiverTable(own.slice(0, maxPairs))}${own.length > maxPairs ? html`<p>${maxPairs} of ${own.length}; all are in pairs.json.</p>` : ''}` : ''}`
}

const maxPairs = 1000

function distributionTable(figures: TransportFigures): Html {
  return table(
    ['', 'n', 'min', 'mean', 'p50', 'p95', 'p99', 'max', ''],
    distributionsOf(figures).map(([name, of]) => [
      html`<th>${name}</th>`,
      of.n,
      durationText(of.min_ms),
      durationText(of.mean_ms),
      percentileText(of, 'p50'),
      percentileText(of, 'p95'),
      percentileText(of, 'p99'),
      durationText(of.max_ms),
      html`<td class="text">${measures[name]}</td>`,
    ]),
  )
}

function receiverTable(
  receivers: readonly Static<typeof ReceiverFigures>[],
  stripOf?: (of: Static<typeof ReceiverFigures>) => Html,
): Html {
  return table(
    [
      '',
      'n',
      'lost',
      'late',
      'retried',
      'p50',
      'p95',
      'p99',
      'max',
      'one way p50',
      'bound',
      ...(stripOf ? ['arrivals'] : []),
    ],
    receivers.map((of) => [
      html`<th>${nameOf(of)}</th>`,
      of.round_trip.n,
      of.lost,
      of.late,
      of.retried,
      percentileText(of.round_trip, 'p50'),
      percentileText(of.round_trip, 'p95'),
      percentileText(of.round_trip, 'p99'),
      durationText(of.round_trip.max_ms),
      percentileText(of.one_way, 'p50'),
      boundText(of.one_way.bound_ms),
      ...(stripOf ? [stripOf(of)] : []),
    ]),
  )
}

function nameOf({
  origin_node_id: origin,
  node_id: node,
  region,
}: Static<typeof ReceiverFigures>): string {
  if (node === null) return region ?? 'unknown region'
  const from = origin === null ? '' : `${origin} → `
  return `${from}${node}${region === null ? '' : ` (${region})`}`
}

function coverageTable({ coverage }: TransportFigures): Html {
  return table(
    ['receivers', 'n', 'p50', 'p95', 'p99', 'max'],
    coverage.map(({ share, nodes, reached }) => [
      `${nodes} (${shareText(share)})`,
      reached.n,
      percentileText(reached, 'p50'),
      percentileText(reached, 'p95'),
      percentileText(reached, 'p99'),
      durationText(reached.max_ms),
    ]),
  )
}

function planTable({
  plan,
  expected,
  started_at,
  finished_at,
  by,
  imported_from,
}: Experiment): Html {
  const count = plan.count === 0 ? 'whatever was sent' : `${plan.count} of each transport`
  return table(
    [],
    [
      ['messages', `${count}, ${plan.warmup} of them to warm up`],
      ['transports', plan.transports.join(', ')],
      ['from', `${plan.origins.join(', ')}, one every ${formatDuration(plan.interval_ms)}`],
      ['to', `${expected.length} nodes: ${expected.join(', ')}`],
      ['payload', `${plan.payload_bytes} bytes, seed ${plan.seed}`],
      ['time', `${started_at ?? '–'} to ${finished_at ?? '–'}, by ${by}`],
      ...(imported_from === null ? [] : [['imported from', imported_from]]),
    ].map(([name = '', text = '']) => [
      html`<th>${name}</th>`,
      html`<td class="text">${text}</td>`,
    ]),
  )
}

function environmentTable({ environment }: Experiment): Html {
  if (environment === null) return html`<p>It was not recorded.</p>`
  const { versions, host, nodes } = environment
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return html`<p>${parts.join(', ')}; ${host.cores} cores, ${host.platform}</p>
${table(
  ['node', 'region', 'agent', 'version', 'bootstrap', 'configuration (sha256)'],
  nodes.map((node) => [
    html`<th>${node.node_id}${node.was_present ? '' : ' (absent)'}</th>`,
    node.region ?? '–',
    [node.agent_kind, node.agent_version].filter(Boolean).join(' ') || '–',
    node.version ?? '–',
    node.bootstrap.join(', '),
    node.config_sha256?.slice(0, 16) ?? '–',
  ]),
)}`
}

function table(
  head: readonly string[],
  rows: readonly (readonly (Html | string | number)[])[],
): Html {
  const cell = (value: Html | string | number) => {
    const isCell = typeof value === 'object' && /^<t[dh]/.test(value.text)
    return isCell ? value : html`<td>${value}</td>`
  }
  return html`<div class="wide"><table>${
    head.length === 0 ? '' : html`<tr>${head.map((name) => html`<th>${name}</th>`)}</tr>`
  }${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</table></div>`
}
