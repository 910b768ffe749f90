import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createCorrosionClient } from '@corroport/corrosion-client'
import type { AgentProgram } from '../../setup/find-agent.mjs'
import { canonicalConfig, databasePathIn, type LabStart, runtimeConfig } from './agent-config.ts'
import { requireDatabaseOf } from './agent-database.ts'
import { canonicalConfigPath, compileCache, type Layout, root, schemaFolder } from './layout.ts'
import type { PartDefinition } from './part.ts'
import { portsOf } from './ports.ts'

export interface AgentSettings {
  program: AgentProgram
  portOffset: number
  lab: LabStart
  /** Leaves an edited runtime configuration as it is. */
  keepConfig: boolean
  environment: NodeJS.ProcessEnv
}

export function agentPart(layout: Layout, node: number, settings: AgentSettings): PartDefinition {
  const config = layout.runtimeConfig(node)
  mkdirSync(layout.agentFolder(node), { recursive: true })
  mkdirSync(layout.runtimeConfigs, { recursive: true })
  mkdirSync(dirname(layout.adminSocket(node)), { recursive: true, mode: 0o700 })
  const canonical = runtimeConfig(canonicalText(node), {
    databasePath: `${layout.agentFolder(node)}/corrosion.db`,
    schemaFolder,
    adminSocket: layout.adminSocket(node),
    portOffset: settings.portOffset,
    lab: settings.lab,
  })
  writeFileSync(layout.canonicalConfig(node), canonical)
  if (!settings.keepConfig || !existsSync(config)) writeFileSync(config, canonical)
  const { kind, path } = settings.program
  requireDatabaseOf(kind, databasePathIn(readFileSync(config, 'utf8')))
  const { PATH, HOME, TMPDIR, RUST_LOG = 'info' } = settings.environment
  return {
    name: `agent${node}`,
    command: path,
    args: ['agent', '-c', config],
    cwd: root,
    // Nothing else: a variable called DB, API or LOG overrides the section of that name.
    env: {
      PATH,
      HOME,
      TMPDIR,
      RUST_LOG,
      ...(kind === 'development' && { NODE_COMPILE_CACHE: compileCache }),
    },
    logPath: layout.log(`agent${node}`),
    pidFile: layout.pidFile(node),
    stopRank: 1,
    // It announces its leave, which takes about 6 s. Killed before that, it forgets its subscriptions.
    stopDeadlineMs: 20_000,
    look: (signal) => lookAtAgent(agentUrl(node, settings.portOffset), signal),
  }
}

function canonicalText(node: number): string {
  const committed = canonicalConfigPath(node)
  return existsSync(committed) ? readFileSync(committed, 'utf8') : canonicalConfig(node)
}

export function agentUrl(node: number, portOffset: number): string {
  return `http://127.0.0.1:${portsOf(node, portOffset).agentApi}`
}

/** Ready means: it answers a query. */
export async function lookAtAgent(url: string, signal: AbortSignal): Promise<undefined> {
  await using client = createCorrosionClient({ url })
  await client.query('SELECT 1', { signal })
}
