import { execFile } from 'node:child_process'
import {
  findProcess,
  isRunning,
  type ProcessRef,
  readPidFile,
} from '@corroport/node-process/process-ref.ts'
import type { AgentProcess } from './agent-process.ts'
import type { Arguments } from './agent-settings.ts'

type Action = 'start' | 'stop' | 'status'

// Whoever is asked has a deadline of his own, after which he kills.
const graceMs = 5000
const statusTimeoutMs = 5000
const maxReasonLength = 500

/**
 * Asks a program: the local supervisor's, or one around systemctl. `stop` and `start` answer when it
 * is done, by exit code 0; a stop prints `killed` when it had to. `status` prints `running <pid>`,
 * `running` where the number means nothing here, or `stopped`.
 */
export function commandProcess(options: {
  command: Arguments
  environment: Readonly<Record<string, string | undefined>>
  pidFile: string | undefined
  stopTimeoutMs: number
  startTimeoutMs: number
}): AgentProcess {
  const { command, environment, pidFile, stopTimeoutMs, startTimeoutMs } = options
  let known: ProcessRef | undefined

  const ask = (action: Action, timeoutMs: number): Promise<string> => {
    const [program, ...rest] = command.map((part) => part.replaceAll('{action}', action))
    return run(program ?? '', rest, { environment, timeoutMs })
  }

  return {
    isStartedByOthers: false,
    async find() {
      if (pidFile !== undefined) return readPidFile(pidFile) ?? 'stopped'
      if (known && isRunning(known)) return known
      const answer = (await ask('status', statusTimeoutMs)).trim()
      const [, pid] = /^running(?: (\d{1,10}))?$/.exec(answer) ?? []
      if (!answer.startsWith('running') && answer !== 'stopped') {
        throw new Error(`AGENT_COMMAND said ${JSON.stringify(answer)} as status`)
      }
      known = pid === undefined ? undefined : findProcess(Number(pid))
      if (known) return known
      // It may have ended while it was told.
      return answer === 'running' ? 'running' : 'stopped'
    },
    async stop() {
      const answer = await ask('stop', stopTimeoutMs + graceMs)
      return { wasKilled: answer.trim() === 'killed' }
    },
    async start() {
      await ask('start', startTimeoutMs)
    },
  }
}

function run(
  program: string,
  args: readonly string[],
  {
    environment,
    timeoutMs,
  }: { environment: Readonly<Record<string, string | undefined>>; timeoutMs: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...environment }, timeout: timeoutMs, maxBuffer: 64 * 1024 }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) {
        resolve(stdout)
        return
      }
      const said = (stderr || stdout).trim().slice(-maxReasonLength)
      const how = describe(error, timeoutMs)
      const what = [program, ...args].join(' ')
      reject(new Error(`${what} ${how}${said && `: ${said}`}`, { cause: error }))
    })
  })
}

function describe(
  {
    code,
    killed,
    signal,
  }: { code?: string | number | null; killed?: boolean; signal?: string | null },
  timeoutMs: number,
): string {
  if (killed) return `did not end in ${timeoutMs / 1000} s`
  if (typeof code === 'string') return `cannot be run (${code})`
  return `ended with ${signal ?? `code ${code}`}`
}
