import { join } from 'node:path'
import type { AgentProcess } from './agent-process.ts'
import type { AgentControlSettings } from './agent-settings.ts'
import { childProcess } from './child-process.ts'
import { commandProcess } from './command-process.ts'
import { pipeProcess } from './pipe-process.ts'
import { signalProcess } from './signal-process.ts'

/** Undefined where nobody is named who could be asked. */
export function createAgentProcess(
  settings: AgentControlSettings,
  stateDir: string,
): AgentProcess | undefined {
  switch (settings.kind) {
    case 'none':
      return undefined
    case 'command':
      return commandProcess(settings)
    case 'signal':
      return signalProcess(settings)
    case 'pipe':
      return pipeProcess(settings)
    case 'child':
      return childProcess({ ...settings, pidFile: join(stateDir, 'agent.pid') })
    default:
      throw new Error(`unreachable: ${String(settings satisfies never)}`)
  }
}
