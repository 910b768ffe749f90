import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

/** A process and not merely its number, which the system gives to others later. */
export interface ProcessRef {
  pid: number
  /** When it started, as the system tells it. */
  startedAt: string
}

/** The running process with this number; undefined when there is none, or it waits to be reaped. */
export function findProcess(pid: number): ProcessRef | undefined {
  try {
    const startedAt = process.platform === 'linux' ? startByProc(pid) : startByPs(pid)
    return startedAt === undefined ? undefined : { pid, startedAt }
  } catch {
    return undefined // no such process
  }
}

export function isRunning({ pid, startedAt }: ProcessRef): boolean {
  return findProcess(pid)?.startedAt === startedAt
}

/**
 * The process that a pid file names: its number, and on a second line, when it started (field 22 of
 * /proc/<pid>/stat), so that another process which has the number now is not taken for it.
 */
export function readPidFile(path: string): ProcessRef | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const [pid = '', startedAt = ''] = text.split('\n').map((line) => line.trim())
  const found = /^\d{1,10}$/.test(pid) ? findProcess(Number(pid)) : undefined
  return found && (startedAt === '' || startedAt === found.startedAt) ? found : undefined
}

export function writePidFile(path: string, { pid, startedAt }: ProcessRef): void {
  writeFileSync(`${path}.draft`, `${pid}\n${startedAt}\n`)
  renameSync(`${path}.draft`, path)
}

/**
 * The process that was started in a session of its own with this variable in its environment. Only
 * where there is a /proc; its children have the variable too, but not the session.
 */
export function findByVariable(name: string, value: string): ProcessRef | undefined {
  if (process.platform !== 'linux') return undefined
  const variable = `\0${name}=${value}\0`
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      if (!`\0${readFileSync(`/proc/${entry}/environ`, 'utf8')}`.includes(variable)) continue
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]
      if (session === entry) return findProcess(Number(entry))
    } catch {
      // It has ended, or is another user's.
    }
  }
  return undefined
}

const lookEveryMs = 10

/** SIGTERM, and SIGKILL at the deadline. Resolves when it has ended, and whether it was killed. */
export async function endProcess(
  process: ProcessRef,
  deadlineMs: number,
  send: (signal: NodeJS.Signals) => void,
): Promise<boolean> {
  send('SIGTERM')
  if (await hasEnded(process, deadlineMs)) return false
  send('SIGKILL')
  if (!(await hasEnded(process, killDeadlineMs))) {
    throw new Error(`process ${process.pid} does not end, not even killed`)
  }
  return true
}

const killDeadlineMs = 5000

async function hasEnded(process: ProcessRef, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (isRunning(process)) {
    if (performance.now() > deadline) return false
    await wait(lookEveryMs)
  }
  return true
}

function startByProc(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses and may hold anything, so fields count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}

function startByPs(pid: number): string | undefined {
  const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
  })
    .trim()
    .split(/\s+/)
  return !state || state.startsWith('Z') ? undefined : start.join(' ')
}
