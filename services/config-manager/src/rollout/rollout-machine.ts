import type { Plan, Rollout, RolloutStep, StepReport } from '@corroport/contracts'

/** What its coordinator should do now. Follows from the document alone. */
export type Action =
  | { kind: 'execute'; step: RolloutStep; action: 'apply' | 'roll-back' }
  | { kind: 'check'; step: RolloutStep }
  | { kind: 'wait' }
  | { kind: 'end' }

export type Steering = 'pause' | 'resume' | 'abort'

/** What happened. What no longer fits the document, because it came late or twice, changes nothing. */
export type Observation =
  | { kind: 'reported'; nodeId: string; report: StepReport }
  | { kind: 'silent'; nodeId: string; reason: string }
  | {
      kind: 'checked'
      nodeId: string
      /** Null where every gate was passed. */
      failure: string | null
      stepsMs: Record<string, number>
    }
  | { kind: 'steered'; action: Steering; by: string }
  | { kind: 'taken-over'; coordinator: string; epoch: number }

const activeStates: readonly RolloutStep['state'][] = ['applying', 'checking', 'rolling-back']
const finalStates: readonly Rollout['state'][] = ['succeeded', 'stopped', 'aborted']

export function hasEnded(rollout: Rollout): boolean {
  return finalStates.includes(rollout.state)
}

/** The document of a rollout whose first node is to be changed now. */
export function beginRollout(
  plan: Plan,
  { coordinator, epoch, by, at }: { coordinator: string; epoch: number; by: string; at: string },
): Rollout {
  const nodes = plan.node_ids.map((nodeId): RolloutStep => {
    const checked = plan.nodes.find(({ node_id }) => node_id === nodeId)
    if (!checked) throw new Error(`plan ${plan.id} has not looked at ${nodeId}`)
    return {
      node_id: nodeId,
      state: 'waiting',
      reason: null,
      steps_ms: {},
      sha256_before: checked.sha256_before,
      sha256_after: checked.sha256_after,
      started_at: null,
      finished_at: null,
    }
  })
  const rollout: Rollout = {
    id: plan.id,
    edit: plan.edit,
    state: 'running',
    reason: null,
    nodes,
    coordinator,
    epoch,
    version: 1,
    by,
    started_at: at,
    finished_at: null,
  }
  return goOn(rollout, at)
}

export function nextAction(rollout: Rollout): Action {
  const step = activeStep(rollout)
  if (step?.state === 'applying') return { kind: 'execute', step, action: 'apply' }
  if (step?.state === 'rolling-back') return { kind: 'execute', step, action: 'roll-back' }
  if (step) return { kind: 'check', step }
  return { kind: hasEnded(rollout) ? 'end' : 'wait' }
}

/** Why it cannot be steered so; undefined where it can. */
export function refuseSteering(rollout: Rollout, action: Steering): string | undefined {
  if (hasEnded(rollout)) return `rollout ${rollout.id} has ended: ${rollout.state}`
  if (rollout.state === 'aborting' && action !== 'abort') {
    return `rollout ${rollout.id} is being aborted`
  }
  return undefined
}

/** The document after an observation, one version on; the same one where nothing changes. */
export function observe(rollout: Rollout, observation: Observation, at: string): Rollout {
  const changed = change(rollout, observation, at)
  return changed === rollout ? rollout : { ...goOn(changed, at), version: rollout.version + 1 }
}

function change(rollout: Rollout, observation: Observation, at: string): Rollout {
  if (hasEnded(rollout)) return rollout
  switch (observation.kind) {
    case 'steered':
      return steer(rollout, observation)
    case 'taken-over': {
      const { coordinator, epoch } = observation
      return epoch > rollout.epoch ? { ...rollout, coordinator, epoch } : rollout
    }
    case 'reported':
    case 'silent':
    case 'checked': {
      const step = activeStep(rollout)
      if (step?.node_id !== observation.nodeId) return rollout
      const changed = changeStep(step, observation, at)
      if (changed === step) return rollout
      return { ...rollout, nodes: rollout.nodes.map((one) => (one === step ? changed : one)) }
    }
    default:
      throw new Error(`unreachable: ${JSON.stringify(observation satisfies never)}`)
  }
}

function steer(rollout: Rollout, { action, by }: { action: Steering; by: string }): Rollout {
  if (refuseSteering(rollout, action) !== undefined) return rollout
  switch (action) {
    case 'pause':
      return rollout.state === 'running'
        ? { ...rollout, state: 'pausing', reason: `paused by ${by}` }
        : rollout
    case 'resume':
      return rollout.state === 'running' ? rollout : { ...rollout, state: 'running', reason: null }
    case 'abort':
      return rollout.state === 'aborting'
        ? rollout
        : { ...rollout, state: 'aborting', reason: `aborted by ${by}` }
    default:
      throw new Error(`unreachable: ${JSON.stringify(action satisfies never)}`)
  }
}

type StepObservation = Extract<Observation, { nodeId: string }>

function changeStep(step: RolloutStep, observation: StepObservation, at: string): RolloutStep {
  const end = (state: RolloutStep['state'], reason: string | null): RolloutStep => ({
    ...step,
    state,
    reason,
    finished_at: at,
  })
  if (observation.kind === 'silent') {
    // It may have done the step or not, so it is told to undo it before it is given up.
    return step.state === 'applying'
      ? { ...step, state: 'rolling-back', reason: observation.reason }
      : step.state === 'rolling-back'
        ? end('failed', joined(step.reason, observation.reason))
        : step
  }
  if (observation.kind === 'checked') {
    if (step.state !== 'checking') return step
    const steps_ms = { ...step.steps_ms, ...observation.stepsMs }
    return observation.failure === null
      ? { ...end('done', null), steps_ms }
      : { ...step, state: 'rolling-back', reason: observation.failure, steps_ms }
  }
  const { state, reason, stepsMs } = observation.report
  if (state === 'running' || step.state === 'checking') return step
  if (step.state === 'rolling-back') {
    // Its own times would replace those of the change that failed.
    const steps_ms = { ...stepsMs, ...step.steps_ms }
    return {
      ...end(state === 'failed' ? 'failed' : 'rolled-back', joined(step.reason, reason)),
      steps_ms,
    }
  }
  const steps_ms = { ...step.steps_ms, ...stepsMs }
  return state === 'applied'
    ? { ...step, state: 'checking', steps_ms }
    : { ...end(state, reason), steps_ms }
}

/** Begins the next node, or ends it, where no node is under way. */
function goOn(rollout: Rollout, at: string): Rollout {
  if (hasEnded(rollout) || activeStep(rollout)) return rollout
  const { nodes, state } = rollout
  const skipped = nodes.map(
    (step): RolloutStep => (step.state === 'waiting' ? { ...step, state: 'skipped' } : step),
  )
  const broken = nodes.find((step) => step.state === 'failed' || step.state === 'rolled-back')
  if (broken) {
    // The node's own reason has the last lines of its agent's log too.
    const [firstLine = broken.state] = broken.reason?.split('\n') ?? []
    const reason = `${broken.node_id}: ${firstLine}`
    return { ...rollout, nodes: skipped, state: 'stopped', reason, finished_at: at }
  }
  const next = nodes.find((step) => step.state === 'waiting')
  if (!next) {
    const reason = state === 'aborting' ? `${rollout.reason}, when no node was left` : null
    return { ...rollout, state: 'succeeded', reason, finished_at: at }
  }
  if (state === 'aborting') return { ...rollout, nodes: skipped, state: 'aborted', finished_at: at }
  if (state !== 'running') return { ...rollout, state: 'paused' }
  const begun: RolloutStep = { ...next, state: 'applying', started_at: at }
  return { ...rollout, nodes: nodes.map((step) => (step === next ? begun : step)) }
}

function activeStep(rollout: Rollout): RolloutStep | undefined {
  return rollout.nodes.find((step) => activeStates.includes(step.state))
}

function joined(...reasons: (string | null)[]): string | null {
  return reasons.filter((reason) => reason !== null).join('; ') || null
}
