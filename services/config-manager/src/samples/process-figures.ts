import { readFile } from 'node:fs/promises'

export interface ProcessFigures {
  residentBytes: number
  /** Of all its threads, since it began. */
  usedMs: number
}

// Linux tells times to user space in hundredths of a second, whatever its own clock is.
const millisecondsPerTick = 10

/** Undefined when there is no such process any more, or no /proc. */
export async function readProcess(pid: number): Promise<ProcessFigures | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ])
    return parseProcess(stat, status)
  } catch {
    return undefined // it has just ended, or this is not Linux
  }
}

export function parseProcess(stat: string, status: string): ProcessFigures | undefined {
  // The name, in parentheses, may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const kibibytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1])
  // A process that has ended and was not waited for has no memory.
  if (!Number.isFinite(ticks) || !Number.isFinite(kibibytes)) return undefined
  return { residentBytes: kibibytes * 1024, usedMs: ticks * millisecondsPerTick }
}
