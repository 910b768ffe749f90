import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { AgentProcess } from './agent-process.ts'
import type { Arguments } from './agent-settings.ts'
import {
  endProcess,
  findByVariable,
  findProcess,
  isRunning,
  readPidFile,
  writePidFile,
} from './process-ref.ts'

// Names the pid file to the agent. A process of ours that is killed after it has started the agent and
// before it has written that file leaves one that is only found by this.
const variable = 'CORROPORT_AGENT_PID_FILE'

/**
 * Starts the agent itself, where nobody supervises it. It is in a session of its own and writes to
 * its log by itself, so the death of this process is not its death; the next one finds it by its pid
 * file.
 */
export function childProcess(options: {
  command: Arguments
  environment: Readonly<Record<string, string | undefined>>
  pidFile: string
  logPath: string
  stopTimeoutMs: number
}): AgentProcess {
  const { command, environment, pidFile, logPath, stopTimeoutMs } = options
  const find = () => readPidFile(pidFile) ?? findByVariable(variable, pidFile)
  return {
    isStartedByOthers: false,
    find: () => Promise.resolve(find() ?? 'stopped'),
    async stop() {
      const running = find()
      if (!running) return { wasKilled: false }
      const wasKilled = await endProcess(running, stopTimeoutMs, (signal) => {
        if (isRunning(running)) process.kill(running.pid, signal)
      })
      rmSync(pidFile, { force: true })
      return { wasKilled }
    },
    async start() {
      if (find()) return
      mkdirSync(dirname(logPath), { recursive: true })
      const log = openSync(logPath, 'a')
      const [program, ...args] = command
      const child = spawn(program, args, {
        detached: true,
        env: { ...environment, [variable]: pidFile },
        stdio: ['ignore', log, log],
      })
      closeSync(log)
      // At once: killed before it is written, this process leaves an agent that nobody knows.
      const started = child.pid === undefined ? undefined : findProcess(child.pid)
      if (started) writePidFile(pidFile, started)
      child.unref()
      try {
        await once(child, 'spawn')
      } catch (cause) {
        throw new Error(`${program} cannot be run`, { cause })
      }
    },
  }
}
