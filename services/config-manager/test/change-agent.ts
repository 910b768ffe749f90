import type { Logger } from 'pino'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { createOperations } from '../src/operations.ts'
import { type ControlledOptions, openControl } from './agent-harness.ts'

export interface ChangedAgentOptions extends ControlledOptions {
  configPath: string
}

/** The changes of an agent's file, with its process under control. */
export async function openChangedAgent(options: ChangedAgentOptions, log?: Logger) {
  await using opening = new AsyncDisposableStack()
  const { control: agent, client, deps } = opening.use(await openControl(options, log))
  const operations = opening.use(createOperations(deps))
  const { configPath } = options
  const changes = createConfigChanges({ ...deps, configPath, canonicalPath: null, agent })
  return Object.assign(opening.move(), { agent, client, operations, changes })
}
