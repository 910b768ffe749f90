import type { LogLevel } from '../log.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

/** RUST_LOG as far as it is a level; `off` leaves none, `corrosion=debug` and the like count as info. */
export function logLevel(env: NodeJS.ProcessEnv): LogLevel | 'off' {
  const asked = (env.RUST_LOG ?? '').toLowerCase()
  if (asked === 'off') return 'off'
  if (asked === 'trace') return 'debug'
  return levels.find((level) => level === asked) ?? 'info'
}

export function isShown(level: string, least: LogLevel | 'off'): boolean {
  if (least === 'off') return false
  const rank = levels.findIndex((each) => each === level.toLowerCase())
  return rank >= levels.indexOf(least)
}
