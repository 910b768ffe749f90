import type { ProcessRef } from '@corroport/node-process/process-ref.ts'

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
