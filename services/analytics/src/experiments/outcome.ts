import type { Experiment, ExperimentStatus, Share } from '@corroport/contracts'
import type { OriginCounts } from './count-progress.ts'

export interface Outcome {
  status: Extract<ExperimentStatus, 'finished' | 'stopped' | 'interrupted'>
  reason: string | null
}

/** How an experiment ended, and everything that did not go as planned. */
export function toOutcome(
  experiment: Pick<Experiment, 'plan' | 'shares' | 'expected'>,
  counts: readonly OriginCounts[],
  stoppedBy: string | null,
): Outcome {
  const { plan, shares, expected } = experiment
  const isManual = plan.count === 0
  const stop = stoppedBy === null ? undefined : stopReason(stoppedBy)
  const failures = shares.flatMap((share) => {
    const stored = counts.find(({ origin }) => origin === share.node_id)
    return [
      ...describeFailures(share, { stored, isManual, stop }),
      ...describeLeftOut(expected, stored),
    ]
  })
  const reason = [stop, ...failures].filter((each) => each !== undefined).join('; ') || null
  if (failures.length > 0) return { status: 'interrupted', reason }
  // One without a count ends as planned when it is stopped.
  return { status: stop !== undefined && !isManual ? 'stopped' : 'finished', reason }
}

/** What an origin is told, and repeats as the reason why it ended. */
export const stopReason = (stoppedBy: string): string => `stopped by ${stoppedBy}`

function describeFailures(
  { node_id: nodeId, state, planned, reason, ...told }: Share,
  {
    stored,
    isManual,
    stop,
  }: { stored: OriginCounts | undefined; isManual: boolean; stop: string | undefined },
): string[] {
  // One that is lost may have done more than it could tell, and its records may be lost too.
  const most = (count: 'sent' | 'failed' | 'skipped') => Math.max(told[count], stored?.[count] ?? 0)
  const [sent, failed, skipped] = [most('sent'), most('failed'), most('skipped')]
  const storedSent = stored?.sent ?? 0
  const unsettled = storedSent - (stored?.accepted ?? 0) - (stored?.failed ?? 0)
  const because = reason === null ? '' : `: ${reason}`
  const ofPlanned = isManual ? '' : ` of ${planned}`
  const wasStopped = stop !== undefined && (reason === null || reason === stop)
  const isShort = isManual || sent + skipped < planned

  const failures: string[] = []
  if (state === 'lost') {
    failures.push(`the share of ${nodeId} is lost after ${sent}${ofPlanned}${because}`)
  } else if (isShort && !wasStopped) {
    failures.push(`${nodeId} ended after ${sent}${ofPlanned}${because}`)
  }
  if (skipped > 0) failures.push(`${nodeId} skipped ${skipped}${ofPlanned}`)
  if (failed > 0) failures.push(`${failed} of ${sent} messages of ${nodeId} failed`)
  if (storedSent < sent) failures.push(`${nodeId} sent ${sent}, of which ${storedSent} are stored`)
  if (unsettled > 0) {
    failures.push(`whether ${nodeId} wrote ${unsettled} of its messages is not known`)
  }
  return failures
}

/** An origin knows by itself whom a message is for, and may know of fewer than there were at the start. */
function describeLeftOut(expected: readonly string[], stored: OriginCounts | undefined): string[] {
  if (!stored) return []
  const { origin, accepted, expectedAcks } = stored
  const acksOfAll = accepted * expected.filter((nodeId) => nodeId !== origin).length
  if (expectedAcks >= acksOfAll) return []
  return [
    `${origin} left receivers out: it expected ${expectedAcks} of ${acksOfAll} acknowledgements`,
  ]
}

/** Whether every message is settled and every acknowledgement there: nothing has to be waited for. */
export function isComplete(shares: readonly Share[], counts: readonly OriginCounts[]): boolean {
  return (
    shares.every(
      ({ node_id, sent }) => (counts.find(({ origin }) => origin === node_id)?.sent ?? 0) >= sent,
    ) &&
    counts.every(
      ({ sent, accepted, failed, acks, expectedAcks }) =>
        accepted + failed >= sent && acks >= expectedAcks,
    )
  )
}
