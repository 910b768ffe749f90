import {
  deliveryInterval,
  type ExperimentFigures,
  type TransportFigures,
} from '@corroport/contracts'
import { type Figure, Figures } from '../../components/Figures.tsx'
import { formatCount } from '../../format/number.ts'
import { DistributionTable } from './DistributionTable.tsx'
import { boundText, lostTitle, msText, percentileText, shareText } from './figure-text.ts'

interface SummaryProps {
  figures: ExperimentFigures
}

/** What arrived, how fast and how sure, of each transport. */
export function Summary({ figures: all }: SummaryProps) {
  const { transports, flush, experiment_id: id, is_final: isFinal } = all
  return (
    <>
      {transports.map((figures) => (
        <section key={figures.transport} aria-label={figures.transport}>
          <h3>{figures.transport}</h3>
          <Counts figures={figures} isFinal={isFinal} />
          {isFinal && <Losses figures={figures} />}
          {figures.warnings.map((warning) => (
            <p key={warning} className="note warn">
              {warning}
            </p>
          ))}
          <DistributionTable figures={figures} file={`${id}-${figures.transport}`} />
          <p className="hint">{validityOf(figures)}</p>
        </section>
      ))}
      {flush.mean_ms !== null && (
        <p>
          Updates feed to subscription: {msText(flush.mean_ms)} on average (n{' '}
          {formatCount(flush.sights)}), in no figure above.
        </p>
      )}
    </>
  )
}

function Counts({ figures, isFinal }: { figures: TransportFigures; isFinal: boolean }) {
  const { counts, delivery_rate: rate, median_interval: median, round_trip: roundTrip } = figures
  const interval = deliveryInterval(counts)
  const { sent, accepted, warmup, acks, expected_acks: expected, late, lost } = counts
  const n = `(n ${formatCount(expected)})`
  return (
    <Figures
      of={[
        {
          label: isFinal ? 'Delivered' : 'Delivered so far',
          value: rate === null ? '–' : shareText(rate),
          note: interval && `${intervalText(interval[0], interval[1], shareText)} ${n}`,
        },
        {
          label: 'Acknowledgements',
          value: formatCount(acks),
          note: `of ${formatCount(expected)} expected`,
        },
        { label: lostTitle(isFinal), value: formatCount(lost), note: 'expected less arrived' },
        { label: 'Late', value: formatCount(late), note: 'arrived after the deadline' },
        {
          label: 'Sent',
          value: formatCount(sent),
          note: `${formatCount(accepted)} accepted${warmup > 0 ? `; and ${formatCount(warmup)} to warm up, not counted` : ''}`,
        },
        ...troublesOf(counts),
        {
          label: 'Median round trip',
          value: percentileText(roundTrip, 'p50'),
          note: median
            ? `${intervalText(median.from_ms, median.to_ms, msText)}, messages as the samples (n ${formatCount(figures.first_ack.n)})`
            : 'no interval below 6 messages',
        },
      ]}
    />
  )
}

function intervalText(from: number, to: number, text: (value: number) => string): string {
  return `95 % interval ${text(from)} to ${text(to)}`
}

function troublesOf({ failed, skipped, unsettled }: TransportFigures['counts']): Figure[] {
  const troubles = [
    { label: 'Failed', count: failed, note: 'refused by the agent (or NATS)' },
    { label: 'Skipped', count: skipped, note: 'their time passed unsent' },
    { label: 'Unsettled', count: unsettled, note: 'nobody knows whether they were written' },
  ]
  return troubles.flatMap(({ count, ...figure }) =>
    count > 0 ? [{ ...figure, value: formatCount(count) }] : [],
  )
}

/** Who did not get everything, by name. */
function Losses({ figures: { receivers } }: { figures: TransportFigures }) {
  const short = receivers.filter(({ lost, late }) => lost > 0 || late > 0)
  if (short.length === 0) return null
  return (
    <ul className="note bad">
      {short.map(({ node_id: node, lost, late, expected }) => (
        <li key={node}>
          {node ?? 'an unknown node'}: {formatCount(lost)} of {formatCount(expected)} lost,{' '}
          {formatCount(late)} late
        </li>
      ))}
    </ul>
  )
}

function validityOf({ one_way: { bound_ms: bound, negatives, n, unknown } }: TransportFigures) {
  const clocks =
    n === 0
      ? 'One way: no receipt has a clock sample near enough'
      : `One way: each figure may be wrong by ${boundText(bound)}; ${negatives} of ${n} below zero, counted as they are`
  return `Round trips are by the origin's clock alone: exact. ${clocks}; ${unknown} without a clock sample.`
}
