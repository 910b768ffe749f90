import { rmSync, writeFileSync } from 'node:fs'
import { endProcess, readPidFile } from '@corroport/node-process/process-ref.ts'
import type { AgentProcess } from './agent-process.ts'

/**
 * Signals the process of a pid file; a loop of others starts it again whenever it has ended, but not
 * while there is a file `<pid file>.hold`.
 */
export function signalProcess(options: { pidFile: string; stopTimeoutMs: number }): AgentProcess {
  const { pidFile, stopTimeoutMs } = options
  const holdFile = `${pidFile}.hold`
  return {
    isStartedByOthers: true,
    find: async () => readPidFile(pidFile) ?? 'stopped',
    async stop(isHeld) {
      // Before the signal: the loop looks for it as soon as the process has ended.
      if (isHeld) writeFileSync(holdFile, '')
      const running = readPidFile(pidFile)
      if (!running) return { wasKilled: false }
      return { wasKilled: await endProcess(running, stopTimeoutMs) }
    },
    start() {
      rmSync(holdFile, { force: true })
      return Promise.resolve()
    },
  }
}
