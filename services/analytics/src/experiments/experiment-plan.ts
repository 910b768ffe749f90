import type { ExperimentPlan, Share, ShareOrder } from '@corroport/contracts'

const dayMs = 24 * 3_600_000
/** The raw records of its beginning should still be there at its end. */
const longestMs = dayMs

/** Messages of all transports and origins; 0: until it is stopped. */
export const slotsOf = ({ count, transports }: ExperimentPlan): number => count * transports.length

/** Milliseconds from the first message to the last; undefined: until it is stopped. */
export const sendingMsOf = (plan: ExperimentPlan): number | undefined =>
  plan.count === 0 ? undefined : slotsOf(plan) * plan.interval_ms

/** Everything that its schema cannot say. `stateOf` is undefined for a node that nobody knows. */
export function findPlanProblems(
  plan: ExperimentPlan,
  stateOf: (nodeId: string) => string | undefined,
): string[] {
  const problems = plan.origins.flatMap((nodeId) => {
    const state = stateOf(nodeId)
    if (state === undefined) return `origin ${nodeId} is not known`
    if (state === 'left') return `origin ${nodeId} has left the cluster`
    return state === 'draining' ? `origin ${nodeId} is draining` : []
  })
  if (plan.count > 0 && plan.warmup >= plan.count) {
    problems.push(`warmup is ${plan.warmup} of ${plan.count} messages: nothing would be counted`)
  }
  if (plan.count > 0 && plan.origins.length > slotsOf(plan)) {
    problems.push(`${plan.origins.length} origins share ${slotsOf(plan)} messages`)
  }
  const sendingMs = sendingMsOf(plan) ?? 0
  if (sendingMs > longestMs) {
    problems.push(
      `it would send for ${(sendingMs / dayMs).toFixed(1)} days: count × transports × interval_ms is at most ${longestMs}`,
    )
  }
  return problems
}

/** `gossip-baseline-k3v9x2ap`: its name where that can be a token of subjects, and what makes it new. */
export function createExperimentId(name: string, ulid: string): string {
  const slug = name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replaceAll(/^-+|-+$/g, '')
  return `${slug || 'experiment'}-${ulid.slice(-8).toLowerCase()}`
}

export function createShares(plan: ExperimentPlan): Share[] {
  const { origins } = plan
  return origins.map((nodeId, origin) => ({
    node_id: nodeId,
    state: 'waiting',
    planned: Math.ceil(Math.max(0, slotsOf(plan) - origin) / origins.length),
    sent: 0,
    failed: 0,
    skipped: 0,
    reason: null,
  }))
}

export function createShareOrder(
  experiment: { id: string; plan: ExperimentPlan },
  nodeId: string,
  startsInMs: number,
): ShareOrder {
  const { id, plan } = experiment
  return {
    experimentId: id,
    transports: plan.transports,
    slots: slotsOf(plan),
    origin: plan.origins.indexOf(nodeId),
    origins: plan.origins.length,
    intervalMs: plan.interval_ms,
    payloadBytes: plan.payload_bytes,
    warmupSlots: plan.warmup * plan.transports.length,
    seed: plan.seed,
    startsInMs,
  }
}
