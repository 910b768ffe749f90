import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory of a process in megabytes. Linux only. */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`)
  return Math.round(Number(kilobytes) / 102.4) / 10
}

/** Of a process and all that it started; what they share is counted once. Linux only. */
export function treeMegabytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const own = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const sum = children.reduce((total, child) => total + treeMegabytes(Number(child)), own)
  return Math.round(sum * 10) / 10
}
