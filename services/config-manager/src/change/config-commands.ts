import { type Bus, RefusalError } from '@corroport/bus'
import {
  type ConfigChange,
  configQueried,
  configRestoreRequested,
  configRollbackRequested,
  type OperationKind,
} from '@corroport/contracts'
import type { Operations, Steps } from '../operations.ts'
import type { ConfigChanges } from './config-changes.ts'

/** Answers who asks for this node's configuration, for the previous one, or for the canonical one. */
export function answerConfigCommands(deps: {
  nodeId: string
  bus: Bus
  changes: ConfigChanges
  operations: Operations
}): AsyncDisposable {
  const { nodeId, bus, changes, operations } = deps
  const begin = async (
    kind: OperationKind,
    by: string,
    work: (steps: Steps) => Promise<ConfigChange>,
  ) => {
    const { promise: hasBegun, resolve: onFirstStep } = Promise.withResolvers<void>()
    let refusal: RefusalError | undefined
    const { operation, done } = operations.begin(kind, by, async (steps) => {
      const watched: Steps = {
        ...steps,
        run(name, step) {
          onFirstStep()
          return steps.run(name, step)
        },
      }
      try {
        const change = await work(watched)
        if (change.state !== 'applied') throw new Error(change.reason ?? change.state)
      } catch (error) {
        if (error instanceof RefusalError) refusal = error
        throw error
      }
    })
    // What is refused before its first step is answered with the no itself.
    await Promise.race([hasBegun, done])
    if (refusal) throw refusal
    return { operation }
  }
  const stack = new AsyncDisposableStack()
  stack.use(
    bus.respond(configQueried, { nodeId }, ({ changes: count }) => ({
      file: changes.read(),
      changes: changes.latest(count),
    })),
  )
  stack.use(
    bus.respond(configRollbackRequested, { nodeId }, ({ by }) =>
      begin('rollback', by, (steps) => changes.rollBack(by, steps)),
    ),
  )
  stack.use(
    bus.respond(configRestoreRequested, { nodeId }, ({ by }) =>
      begin('restore', by, (steps) => changes.restoreCanonical(by, steps)),
    ),
  )
  return stack
}
