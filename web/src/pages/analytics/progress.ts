import type { Experiment, ExperimentProgress } from '@corroport/contracts'

export function isOver({ status }: { status: string }): boolean {
  return status === 'finished' || status === 'stopped' || status === 'interrupted'
}

export function isRunning({ status }: { status: string }): boolean {
  return status === 'running' || status === 'finishing'
}

/** How much of an experiment is done, 0 to 1; undefined where it goes on until it is stopped. */
export function doneShareOf(progress: ExperimentProgress): number | undefined {
  const { planned, sent, skipped, failed, expected_acks: expected, acks } = progress
  if (planned === 0) return undefined
  // The acknowledgements of what is still to be sent are not expected yet.
  const perMessage = expected / Math.max(1, sent - failed)
  const all = planned * (1 + perMessage)
  return Math.min(1, (sent + skipped * (1 + perMessage) + failed * perMessage + acks) / all)
}

/** What is left, in words; undefined where nobody can tell. */
export function leftOf(
  { status, plan, deadline_at: deadline }: Experiment,
  { planned, sent, skipped }: ExperimentProgress,
  now: number,
): { ms: number; until: 'everything is sent' | 'the deadline of acknowledgements' } | undefined {
  const toSend = (planned - sent - skipped) * plan.interval_ms
  if (status === 'running' && toSend > 0) return { ms: toSend, until: 'everything is sent' }
  if (status !== 'finishing' || deadline === null) return undefined
  return {
    ms: Math.max(0, Date.parse(deadline) - now),
    until: 'the deadline of acknowledgements',
  }
}

/** Milliseconds from its start to its end, or to now while it runs. */
export function durationOf(experiment: Experiment, now: number): number | null {
  const { started_at: started, finished_at: finished } = experiment
  if (started === null) return null
  if (finished !== null) return Date.parse(finished) - Date.parse(started)
  return isRunning(experiment) ? Math.max(0, now - Date.parse(started)) : null
}
