import pino, { type Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  level: LogLevel
  nodeId?: string
  /** Fields of each line, asked for as it is written. */
  mixin?: () => object
}

/**
 * JSON lines on standard output; each service adds its name by `child`. Known names of secrets are
 * blanked wherever they stand.
 */
export function createLog({ level, nodeId, mixin }: LogOptions): Logger {
  return pino({
    level,
    base: nodeId === undefined ? {} : { nodeId },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(mixin && { mixin }),
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['password', 'token', 'authorization', 'signature', 'privateKey'].flatMap((name) => [
        name,
        `*.${name}`,
        `*.*.${name}`,
      ]),
      censor: '***',
    },
  })
}
