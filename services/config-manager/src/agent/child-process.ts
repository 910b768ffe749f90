import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  endProcess,
  findProcess,
  type ProcessRef,
  readPidFile,
  writePidFile,
} from '@corroport/node-process/process-ref.ts'
import type { AgentProcess } from './agent-process.ts'
import type { Arguments } from './agent-settings.ts'

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
  const find = () => readPidFile(pidFile) ?? findByVariable(pidFile)
  return {
    isStartedByOthers: false,
    find: async () => find() ?? 'stopped',
    async stop() {
      const running = find()
      if (!running) return { wasKilled: false }
      const wasKilled = await endProcess(running, stopTimeoutMs)
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

/**
 * The agent that was started with this pid file named to it. Only where there is a /proc; its
 * children have the variable too, but are not the first of a session.
 */
function findByVariable(pidFile: string): ProcessRef | undefined {
  if (process.platform !== 'linux') return undefined
  const wanted = `\0${variable}=${pidFile}\0`
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      if (!`\0${readFileSync(`/proc/${entry}/environ`, 'utf8')}`.includes(wanted)) continue
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]
      if (session === entry) return findProcess(Number(entry))
    } catch {
      // It has ended, or is another user's.
    }
  }
  return undefined
}
