import { type Bus, RefusalError } from '@corroport/bus'
import { agentRestartRequested } from '@corroport/contracts'
import type { Operations, Steps } from '../operations.ts'
import type { AgentControl, OnStep, StartOutcome } from './agent-control.ts'

/** Answers who asks for a restart of this node's agent. */
export function answerRestarts(deps: {
  nodeId: string
  bus: Bus
  operations: Operations
  control: AgentControl
}): AsyncDisposable {
  const { nodeId, bus, operations, control } = deps
  return bus.respond(agentRestartRequested, { nodeId }, ({ by, reason }) => {
    if (control.refusal !== undefined) throw new RefusalError('unavailable', control.refusal)
    const { operation } = operations.begin('restart', by, async (steps) => {
      const outcome = await inSteps(steps, (onStep) => control.restart(reason, onStep))
      if (!outcome.ok) throw new Error(outcome.reason)
    })
    return { operation }
  })
}

/** Shows what a start or restart tells of itself as steps of an operation. */
export async function inSteps(
  steps: Steps,
  work: (onStep: OnStep) => Promise<StartOutcome>,
): Promise<StartOutcome> {
  let current: { shown: Promise<void>; end: PromiseWithResolvers<void> } | undefined
  const outcome = await work((name) => {
    current?.end.resolve()
    const end = Promise.withResolvers<void>()
    // Its failure is in the outcome, and not everybody's failure: a change is rolled back then.
    const shown = steps.run(name, () => end.promise).catch(() => undefined)
    current = { shown, end }
  })
  if (outcome.ok) current?.end.resolve()
  else current?.end.reject(new Error(outcome.reason))
  await current?.shown
  return outcome
}
