import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createHealth } from '@corroport/service'
import type { Logger } from 'pino'
import { createAgentControl } from '../src/agent/agent-control.ts'
import { migrations as restartMigrations } from '../src/agent/restart-record.ts'
import { migrations as changeMigrations } from '../src/change/change-store.ts'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { createOperations, migrations as operationMigrations } from '../src/operations.ts'
import { killIfThere, settingsOf, silent } from './agent-harness.ts'

export interface ChangedAgentOptions {
  agentUrl: string
  natsUrl: string
  stateDir: string
  configPath: string
  /** Of the agent's control. */
  variables: Record<string, string>
}

export const stateFileName = 'config-manager.sqlite'

/** The changes of an agent's file, with its process under control. */
export async function openChangedAgent(options: ChangedAgentOptions, log: Logger = silent) {
  await using opening = new AsyncDisposableStack()
  const { agentUrl, natsUrl: url, stateDir, configPath, variables } = options
  const bus = opening.use(connectBus({ url, name: 'test', log: silent }))
  const client = opening.use(createCorrosionClient({ url: agentUrl }))
  const path = join(stateDir, stateFileName)
  const migrations = [...operationMigrations, ...restartMigrations, ...changeMigrations]
  const state = opening.use(openStateFile({ path, migrations, bus, log }))
  const health = createHealth('config-manager', 'node1')
  const deps = { nodeId: 'node1', stateDir, state, client, health, log }
  const agent = opening.use(createAgentControl(settingsOf(variables), deps))
  const operations = opening.use(createOperations(deps))
  const changes = createConfigChanges({ ...deps, configPath, canonicalPath: null, agent })
  return Object.assign(opening.move(), { agent, client, operations, changes, state })
}

/** Ends the agent that a control of kind `child` started. */
export function killByPidFile(stateDir: string): void {
  const path = join(stateDir, 'agent.pid')
  if (existsSync(path)) killIfThere(Number.parseInt(readFileSync(path, 'utf8'), 10))
}
