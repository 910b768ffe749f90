import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

/** A process and not merely its number, which the system gives to others later. */
export interface ProcessRef {
  pid: number
  /** When it started, as the system tells it: on Linux, the boot and the ticks after it. */
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
  const [pid = '', start = ''] = text.split('\n').map((line) => line.trim())
  const found = /^\d{1,10}$/.test(pid) ? findProcess(Number(pid)) : undefined
  return found && (start === '' || start === startInFile(found)) ? found : undefined
}

export function writePidFile(path: string, running: ProcessRef): void {
  writeFileSync(`${path}.draft`, `${running.pid}\n${startInFile(running)}\n`)
  renameSync(`${path}.draft`, path)
}

/** Sends to a process, or with its number negative to its group, unless nobody is left there. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(Error.isError(error) && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const lookEveryMs = 10
const killDeadlineMs = 5000

/**
 * SIGTERM, and SIGKILL at the deadline, to the process or what `to` names as `sendSignal` does.
 * Resolves when the process has ended, and whether it was killed.
 */
export async function endProcess(
  running: ProcessRef,
  deadlineMs: number,
  to = running.pid,
): Promise<boolean> {
  if (isRunning(running)) sendSignal(to, 'SIGTERM')
  if (await hasEnded(running, deadlineMs)) return false
  if (isRunning(running)) sendSignal(to, 'SIGKILL')
  if (await hasEnded(running, killDeadlineMs)) return true
  throw new Error(`process ${running.pid} does not end, not even killed`)
}

async function hasEnded(running: ProcessRef, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  // It need not be a child of this process, so nothing tells its end.
  while (isRunning(running)) {
    if (performance.now() > deadline) return false
    await wait(lookEveryMs)
  }
  return true
}

// Shell loops write pid files too, and have the ticks at hand.
function startInFile({ startedAt }: ProcessRef): string {
  return startedAt.slice(startedAt.indexOf('/') + 1)
}

let bootId: string | undefined

function startByProc(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses and may hold anything, so fields count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  const ticksAfterBoot = fields[19]
  if (state === 'Z' || state === 'X' || ticksAfterBoot === undefined) return undefined
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${bootId}/${ticksAfterBoot}`
}

function startByPs(pid: number): string | undefined {
  const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
  })
    .trim()
    .split(/\s+/)
  return !state || state.startsWith('Z') ? undefined : start.join(' ')
}
