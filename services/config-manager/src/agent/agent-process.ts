import { join } from 'node:path'
import type { AgentControlSettings } from './agent-settings.ts'
import { childProcess } from './child-process.ts'
import { commandProcess } from './command-process.ts'
import type { ProcessRef } from './process-ref.ts'
import { signalProcess } from './signal-process.ts'

/** The process of an agent, through whoever owns it. Each call throws with the reason. */
export interface AgentProcess {
  /** Somebody else starts it when it has ended, at a moment of his own. */
  readonly isStartedByOthers: boolean
  /** `running`: of which nothing more is known. */
  find(): Promise<ProcessRef | 'running' | 'stopped'>
  /** Resolves when it has ended. `isHeld`: nobody starts it before `start`. */
  stop(isHeld: boolean): Promise<{ wasKilled: boolean }>
  /** Does nothing where it runs. Resolves before it answers. */
  start(): Promise<void>
}

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
    case 'child':
      return childProcess({ ...settings, pidFile: join(stateDir, 'agent.pid') })
    default:
      throw new Error(`unreachable: ${String(settings satisfies never)}`)
  }
}
