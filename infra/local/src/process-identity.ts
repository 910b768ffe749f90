import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

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

/** The number, and on a second line when it started: on Linux field 22 of /proc/<pid>/stat. */
export function writePidFile(path: string, { pid, startedAt }: ProcessRef): void {
  const start = startedAt.slice(startedAt.indexOf('/') + 1)
  writeFileSync(`${path}.draft`, `${pid}\n${start}\n`)
  renameSync(`${path}.draft`, path)
}

/** Sends to a process group. False when there is nobody left in it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal)
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
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
