import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { stripVTControlCharacters, styleText } from 'node:util'

export type Severity = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  severity: Severity
  /** For people: time, level, text and fields. */
  text: string
}

/** One line of a service (JSON), of nats-server, Postgres or an agent (plain). */
export function readLogLine(line: string): LogLine {
  const entry = line.startsWith('{') ? parseEntry(line) : undefined
  if (entry) return describeEntry(entry)
  const plain = stripVTControlCharacters(line)
  const mark =
    /\s(TRACE|DEBUG|INFO|WARN|ERROR)\s|\[(TRC|DBG|INF|WRN|ERR|FTL)\]|\] ([A-Z]+):  /.exec(plain)
  // What a process writes when it dies (a stack, a panic) carries no level.
  return {
    severity: severityOf((mark?.[1] ?? mark?.[2] ?? mark?.[3] ?? 'error').toLowerCase()),
    text: plain,
  }
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined
  } catch {
    return undefined // the process died while it wrote it
  }
}

function describeEntry(entry: Record<string, unknown>): LogLine {
  const { level, time, service, nodeId: _nodeId, msg, err, ...fields } = entry
  const severity = severityOf(String(level))
  const clock = typeof time === 'string' ? time.slice(11, 23) : ''
  const details = Object.entries(fields).map(([name, value]) => `${name}=${brief(value)}`)
  if (err !== undefined) details.push(`error=${brief(messageOf(err))}`)
  return {
    severity,
    text: [clock, severity.toUpperCase().padEnd(5), service, msg, ...details]
      .filter((word) => word !== undefined && word !== '')
      .map(String)
      .join(' '),
  }
}

function severityOf(level: string): Severity {
  switch (level) {
    case 'trace':
    case 'debug':
    case 'trc':
    case 'dbg':
      return 'debug'
    case 'info':
    case 'inf':
    case 'log':
    case 'detail':
    case 'hint':
    case 'statement':
    case 'context':
      return 'info'
    case 'warn':
    case 'wrn':
    case 'warning':
      return 'warn'
    default:
      return 'error'
  }
}

function messageOf(err: unknown): unknown {
  return typeof err === 'object' && err !== null && 'message' in err ? err.message : err
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text
}

const colours = { debug: 'gray', info: 'none', warn: 'yellow', error: 'red' } as const

/** `node2  12:00:01.123 WARN  gateway …`; the text is never taken for control characters. */
export function showLogLine(part: string, line: LogLine, stream: NodeJS.WriteStream): string {
  const colour = colours[line.severity]
  const text = stripVTControlCharacters(line.text)
  const name = styleText('cyan', part.padEnd(8), { stream })
  return `${name} ${colour === 'none' ? text : styleText(colour, text, { stream })}`
}

/** The last line with something in it; '' when there is none. */
export function lastLogLine(path: string): string {
  const lines = lastLines(path, 5).filter((line) => line.trim() !== '')
  return lines.length === 0 ? '' : readLogLine(lines.at(-1) ?? '').text
}

const tailBytes = 256 * 1024

/** Up to `count` lines from the end, read from its last 256 KiB. */
export function lastLines(path: string, count: number): string[] {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const buffer = Buffer.alloc(Math.min(size, tailBytes))
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length)
    const lines = buffer.toString('utf8', 0, length).split('\n')
    if (lines.at(-1) === '') lines.pop()
    return lines.slice(-count)
  } finally {
    closeSync(file)
  }
}
