export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line for one thing that happened: a constant sentence, and what varies as fields. */
export type Log = Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>

export interface LogOptions {
  format: 'plaintext' | 'json'
  level?: LogLevel
  write?: (line: string) => void
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export function createLog({ format, level = 'info', write = toStdout }: LogOptions): Log {
  const say =
    (lineLevel: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (levels.indexOf(lineLevel) < levels.indexOf(level)) return
      const timestamp = new Date().toISOString()
      const shown = Object.entries(fields).map(([name, value]): [string, unknown] => [
        name,
        Error.isError(value) ? value.message : typeof value === 'bigint' ? String(value) : value,
      ])
      write(
        format === 'json'
          ? `${JSON.stringify({ timestamp, level: lineLevel.toUpperCase(), message, ...Object.fromEntries(shown) })}\n`
          : `${timestamp} ${lineLevel.toUpperCase().padStart(5)} ${message}${shown.map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join('')}\n`,
      )
    }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}

function toStdout(line: string): void {
  process.stdout.write(line)
}
