import { setTimeout as wait } from 'node:timers/promises'
import { CommandError, messageOf, RefusalError } from '@corroport/bus'
import {
  nowMicroseconds,
  type Plan,
  type Rollout,
  type RolloutStep,
  type StepReport,
  stepExecuted,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import { repeat } from '../repeat.ts'
import { checkGates, createStopwatch, type GateDeps } from './gates.ts'
import type { HeldLease, LeaseWatch } from './lease.ts'
import type { Held, RolloutDocument } from './rollout-document.ts'
import {
  type Action,
  beginRollout,
  hasEnded,
  nextAction,
  type Observation,
  observe,
  refuseSteering,
  type Steering,
} from './rollout-machine.ts'

export interface CoordinatorDeps extends GateDeps {
  nodeId: string
  document: RolloutDocument
  lease: LeaseWatch
  /** Asks the others what they know, for when the document is missing. */
  askOthers: () => Promise<void>
  /** Called with the newest rollout, again and again. */
  onLook: (rollout: Rollout) => Promise<void>
  /** Took over from another node, so long after its last beat. */
  onFailover: (seconds: number) => void
  /** How long a node may not answer before it is given up. */
  silenceMs: number
  log: Logger
}

export interface Coordinator extends AsyncDisposable {
  /** Throws `RefusalError('conflict')` while a rollout runs anywhere. */
  start(plan: Plan, by: string): Promise<Rollout>
  /** Whichever node coordinates it. */
  steer(id: string, action: Steering, by: string): Promise<Rollout>
  /** Throws `RefusalError('conflict')` while a rollout runs anywhere. */
  requireNone(): Promise<void>
}

const askEveryMs = 500
const lookEveryMs = 1000

/**
 * Leads rollouts: those begun here, and those whose coordinator has died. Whatever it does was
 * written into the document before, by its revision, so whoever leads next knows all of it, and
 * whoever led before cannot write any more.
 */
export function startCoordinator(deps: CoordinatorDeps): Coordinator {
  const { nodeId, bus, document, lease, silenceMs, log } = deps
  const stopping = new AbortController()
  let leading: { ended: Promise<void> } | undefined

  const lead = (rolloutId: string, held: HeldLease): void => {
    const signal = AbortSignal.any([stopping.signal, held.lost])
    const term = { ended: Promise.resolve() }
    leading = term
    term.ended = (async () => {
      log.info({ rolloutId, epoch: held.epoch }, 'rollout is coordinated here')
      try {
        const rollout = await leadToEnd(rolloutId, held, signal)
        log.info({ rolloutId, state: rollout?.state ?? 'taken over' }, 'rollout left')
      } catch (err) {
        if (signal.aborted) log.info({ rolloutId, state: 'taken over' }, 'rollout left')
        else log.error({ err, rolloutId }, 'coordination of a rollout ended')
      }
      await held[Symbol.asyncDispose]()
      // A next one may have begun here while the lease was given back.
      if (leading === term) leading = undefined
    })()
  }

  /** Undefined when another coordinator has taken over. */
  const leadToEnd = async (
    rolloutId: string,
    held: HeldLease,
    signal: AbortSignal,
  ): Promise<Rollout | undefined> => {
    let rollout = await commit(
      rolloutId,
      { kind: 'taken-over', coordinator: nodeId, epoch: held.epoch },
      held.epoch,
      signal,
    )
    while (rollout) {
      const action = nextAction(rollout)
      if (action.kind === 'end') {
        await held.release()
        return rollout
      }
      if (action.kind === 'wait') {
        await wait(askEveryMs, undefined, { signal })
        rollout = await commit(rolloutId, undefined, held.epoch, signal)
        continue
      }
      const observation = await perform(rollout, action, signal)
      rollout = await commit(rolloutId, observation, held.epoch, signal)
    }
    return undefined
  }

  /** The document after it, as NATS has it; undefined when it is no longer ours to write. */
  const commit = async (
    rolloutId: string,
    observation: Observation | undefined,
    epoch: number,
    signal: AbortSignal,
  ): Promise<Rollout | undefined> => {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted()
      try {
        const held = await document.read()
        if (held?.rollout.id !== rolloutId || held.rollout.epoch > epoch) return undefined
        const next = observation ? observe(held.rollout, observation, now()) : held.rollout
        if (next.coordinator !== nodeId || next.epoch !== epoch) return undefined
        if (next === held.rollout) return next
        const written = await document.write(next, held)
        if (written) return written.rollout
      } catch (err) {
        // It may have been written: the next look tells.
        if (attempt === 0) log.warn({ err, rolloutId }, 'rollout waits for nats')
        await wait(askEveryMs, undefined, { signal })
      }
    }
  }

  const perform = async (
    rollout: Rollout,
    action: Extract<Action, { step: RolloutStep }>,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const { node_id } = action.step
    if (action.kind === 'check') {
      return { kind: 'checked', nodeId: node_id, ...(await checkGates(deps, node_id, signal)) }
    }
    const observation = await execute(rollout, action, signal)
    const hasRolledBack =
      observation.kind === 'reported' && observation.report.state === 'rolled-back'
    if (!hasRolledBack) return observation
    // The node is to be whole again before the rollout is said to have ended. Where it is not,
    // there is nothing left to undo.
    const { failure, stepsMs } = await checkGates(deps, node_id, signal)
    const { report } = observation
    const reasons = [report.reason, failure && `on the old file: ${failure}`]
    return {
      ...observation,
      report: {
        ...report,
        reason: reasons.filter((reason) => reason !== null).join('; ') || null,
        stepsMs: { ...report.stepsMs, ...stepsMs },
      },
    }
  }

  const execute = async (
    { id, epoch, edit, by }: Rollout,
    { step, action }: Extract<Action, { kind: 'execute' }>,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const request = {
      rolloutId: id,
      epoch,
      action,
      edit,
      sha256Before: step.sha256_before,
      sha256After: step.sha256_after,
      by,
    }
    const silence = createStopwatch(bus, silenceMs)
    let lastError = ''
    for (;;) {
      signal.throwIfAborted()
      try {
        const report = await bus.request(stepExecuted, { nodeId: step.node_id }, request)
        if (report.state !== 'running') return { kind: 'reported', nodeId: step.node_id, report }
        silence.restart()
      } catch (error) {
        const refusal = error instanceof CommandError ? error.refusal : undefined
        // `locked`: the node does something else, and will answer when it has ended.
        if (refusal && refusal.code !== 'locked') {
          const report: StepReport = { state: 'failed', reason: refusal.message, stepsMs: {} }
          return { kind: 'reported', nodeId: step.node_id, report }
        }
        lastError = messageOf(error)
      }
      if (silence.isOver()) {
        const reason = `${step.node_id} did not ${action} for ${silenceMs} ms: ${lastError}`
        return { kind: 'silent', nodeId: step.node_id, reason }
      }
      await wait(askEveryMs, undefined, { signal })
    }
  }

  const look = async (): Promise<void> => {
    if (!bus.isConnected) return
    const held = await document.read()
    if (!held) return
    const { rollout } = held
    await deps.onLook(rollout)
    if (hasEnded(rollout) || leading) return
    const lostSince = await lease.lostSince(rollout.id)
    if (lostSince === undefined) return
    const taken = await lease.take(rollout.id, rollout.epoch + 1)
    if (!taken) return
    const { id: rolloutId, coordinator } = rollout
    if (coordinator !== nodeId) deps.onFailover((performance.now() - lostSince) / 1000)
    log.warn({ rolloutId, coordinator }, 'coordinator is gone')
    lead(rolloutId, taken)
  }
  const looking = repeat(lookEveryMs, log, look)

  /** For who asks: what cannot be read now is said to be unavailable. */
  const read = async (): Promise<Held | undefined> => {
    try {
      return await document.read()
    } catch (error) {
      const reason = messageOf(error)
      throw new RefusalError('unavailable', `the rollouts cannot be read from nats: ${reason}`)
    }
  }

  const requireNone = async (): Promise<Held | undefined> => {
    let held = await read()
    if (!held) {
      // A store that was lost, or the first rollout of all.
      await deps.askOthers()
      held = await read()
    }
    if (held && !hasEnded(held.rollout)) {
      const { id, coordinator, state } = held.rollout
      throw new RefusalError('conflict', `rollout ${id} is ${state}, coordinated by ${coordinator}`)
    }
    return held
  }

  return {
    async requireNone() {
      await requireNone()
    },

    async start(plan, by) {
      const before = await requireNone()
      if (document.find(plan.id)) {
        throw new RefusalError('conflict', `plan ${plan.id} was applied before`)
      }
      const epoch = (before?.rollout.epoch ?? 0) + 1
      const rollout = beginRollout(plan, { coordinator: nodeId, epoch, by, at: now() })
      const held = await document.write(rollout, before)
      if (!held) throw new RefusalError('conflict', 'another rollout began at the same moment')
      try {
        const taken = await lease.take(plan.id, epoch)
        if (taken) lead(plan.id, taken)
      } catch (err) {
        // It has begun all the same: a node whose connection is better leads it.
        log.warn({ err, rolloutId: plan.id }, 'lease of a new rollout could not be taken')
      }
      return rollout
    },

    async steer(id, action, by) {
      for (;;) {
        const held = await read()
        if (held?.rollout.id !== id) {
          const known = document.find(id)
          if (known)
            throw new RefusalError('conflict', refuseSteering(known, action) ?? 'it is over')
          throw new RefusalError('not-found', `there is no rollout ${id}`)
        }
        const refusal = refuseSteering(held.rollout, action)
        if (refusal !== undefined) throw new RefusalError('conflict', refusal)
        const next = observe(held.rollout, { kind: 'steered', action, by }, now())
        if (next === held.rollout) return next
        const written = await document.write(next, held)
        if (written) return written.rollout
      }
    },

    async [Symbol.asyncDispose]() {
      stopping.abort()
      await looking[Symbol.asyncDispose]()
      await leading?.ended
    },
  }
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}
