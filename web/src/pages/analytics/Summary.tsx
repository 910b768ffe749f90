import {
  deliveryInterval,
  type ExperimentFigures,
  type TransportFigures,
} from '@corroport/contracts'
import type { ReactNode } from 'react'
import { formatCount } from '../../format/number.ts'
import { DistributionTable } from './DistributionTable.tsx'
import { boundText, lostTitle, msText, percentileText, shareText } from './figure-text.ts'

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

interface SummaryProps {
  figures: ExperimentFigures
}

function Counts({ figures, isFinal }: { figures: TransportFigures; isFinal: boolean }) {
  const { counts, delivery_rate: rate, median_interval: median, round_trip: roundTrip } = figures
  const interval = deliveryInterval(counts)
  const { sent, accepted, failed, skipped, unsettled, warmup, acks, late, lost } = counts
  return (
    <dl className="figures">
      <Figure
        title={isFinal ? 'Delivered' : 'Delivered so far'}
        note={
          interval &&
          `95 % interval ${shareText(interval[0])} to ${shareText(interval[1])} (n ${formatCount(counts.expected_acks)})`
        }
      >
        {rate === null ? '–' : shareText(rate)}
      </Figure>
      <Figure title="Acknowledgements" note={`of ${formatCount(counts.expected_acks)} expected`}>
        {formatCount(acks)}
      </Figure>
      <Figure title={lostTitle(isFinal)} note="expected less arrived">
        {formatCount(lost)}
      </Figure>
      <Figure title="Late" note="arrived after the deadline">
        {formatCount(late)}
      </Figure>
      <Figure
        title="Sent"
        note={`${formatCount(accepted)} accepted${warmup > 0 ? `; and ${formatCount(warmup)} to warm up, not counted` : ''}`}
      >
        {formatCount(sent)}
      </Figure>
      {failed > 0 && (
        <Figure title="Failed" note="refused by the agent (or NATS)">
          {formatCount(failed)}
        </Figure>
      )}
      {skipped > 0 && (
        <Figure title="Skipped" note="their time passed unsent">
          {formatCount(skipped)}
        </Figure>
      )}
      {unsettled > 0 && (
        <Figure title="Unsettled" note="nobody knows whether they were written">
          {formatCount(unsettled)}
        </Figure>
      )}
      <Figure
        title="Median round trip"
        note={
          median
            ? `95 % interval ${msText(median.from_ms)} to ${msText(median.to_ms)}, messages as the samples (n ${formatCount(figures.first_ack.n)})`
            : 'no interval below 6 messages'
        }
      >
        {percentileText(roundTrip, 'p50')}
      </Figure>
    </dl>
  )
}

function Figure({ title, note, children }: FigureProps) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {children}
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  )
}

interface FigureProps {
  title: string
  note: string | undefined
  children: ReactNode
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
