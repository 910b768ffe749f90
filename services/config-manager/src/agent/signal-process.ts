import { rmSync, writeFileSync } from 'node:fs'
import type { AgentProcess } from './agent-process.ts'
import { endProcess, readPidFile } from './process-ref.ts'

/**
 * Signals the process of a pid file; a loop of others starts it again whenever it has ended, but not
 * while there is a file `<pid file>.hold`.
 */
export function signalProcess(options: { pidFile: string; stopTimeoutMs: number }): AgentProcess {
  const { pidFile, stopTimeoutMs } = options
  const holdFile = `${pidFile}.hold`
  return {
    isStartedByOthers: true,
    find: () => Promise.resolve(readPidFile(pidFile) ?? 'stopped'),
    async stop(isHeld) {
      // Before the signal: the loop looks for it as soon as the process has ended.
      if (isHeld) writeFileSync(holdFile, '')
      const running = readPidFile(pidFile)
      if (!running) return { wasKilled: false }
      const send = (signal: NodeJS.Signals): void => {
        // Read again: its number may be another's by now.
        if (readPidFile(pidFile)?.startedAt === running.startedAt) process.kill(running.pid, signal)
      }
      return { wasKilled: await endProcess(running, stopTimeoutMs, send) }
    },
    start() {
      rmSync(holdFile, { force: true })
      return Promise.resolve()
    },
  }
}
