import { readFileSync } from 'node:fs'

/** Resident memory of a process in megabytes. Linux only. */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`)
  return Math.round(Number(kilobytes) / 102.4) / 10
}
