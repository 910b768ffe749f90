import type { Experiment, ExperimentStatus, Share } from '@corroport/contracts'
import type { OriginCounts } from './count-progress.ts'

export interface Outcome {
  status: Extract<ExperimentStatus, 'finished' | 'stopped' | 'interrupted'>
  reason: string | null
}

/** How an experiment ended, and everything that did not go as planned. */
export function toOutcome(
  experiment: Pick<Experiment, 'plan' | 'shares'>,
  counts: readonly OriginCounts[],
  stoppedBy: string | null,
): Outcome {
  const { plan, shares } = experiment
  const isManual = plan.count === 0
  const failures = shares.flatMap((share) => {
    const stored = counts.find(({ origin }) => origin === share.node_id)
    return describeFailures(share, stored, { isManual, wasStopped: stoppedBy !== null })
  })
  const stop = stoppedBy === null ? [] : [`stopped by ${stoppedBy}`]
  const reasons = [...stop, ...failures]
  const reason = reasons.length > 0 ? reasons.join('; ') : null
  if (failures.length > 0) return { status: 'interrupted', reason }
  // One without a count ends as planned when it is stopped.
  return { status: stoppedBy !== null && !isManual ? 'stopped' : 'finished', reason }
}

function describeFailures(
  share: Share,
  stored: OriginCounts | undefined,
  { isManual, wasStopped }: { isManual: boolean; wasStopped: boolean },
): string[] {
  const { node_id: nodeId, state, planned, sent, reason } = share
  const skipped = Math.max(share.skipped, stored?.skipped ?? 0)
  const storedSent = stored?.sent ?? 0
  const because = reason === null ? '' : `: ${reason}`
  const failures: string[] = []
  if (state === 'lost') failures.push(`the share of ${nodeId} is lost${because}`)
  if (skipped > 0) {
    failures.push(
      `${nodeId} skipped ${skipped}${isManual ? '' : ` of ${planned}`}${state === 'lost' ? '' : because}`,
    )
  } else if (state === 'ended' && !wasStopped && (isManual || sent < planned)) {
    failures.push(`${nodeId} ended after ${sent}${isManual ? '' : ` of ${planned}`}${because}`)
  }
  if (storedSent < sent) failures.push(`${nodeId} sent ${sent}, of which ${storedSent} are stored`)
  return failures
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
