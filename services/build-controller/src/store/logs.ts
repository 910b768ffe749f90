import type { Pool } from 'pg'

export const logLevels = ['info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogLine {
  /** From 1, without gaps. */
  number: string
  at: Date
  level: LogLevel
  message: string
}

// A build that prints without end must not fill the database.
export const maxLines = 250_000
const maxBytes = 128 * 1024 * 1024

/** How many were kept: the log of a build has a limit, and says so where it ends. */
export async function appendLog(
  pool: Pool,
  buildId: string,
  lines: readonly { level: LogLevel; message: string }[],
): Promise<number> {
  const { rows } = await pool.query<{ stored: number }>({
    name: 'append_log',
    text: 'SELECT builds.append_log($1, $2, $3, $4, $5) AS stored',
    values: [
      buildId,
      lines.map(({ level }) => level),
      lines.map(({ message }) => message),
      maxLines,
      maxBytes,
    ],
  })
  return rows[0]?.stored ?? 0
}

/** In their order, from the one after `after`. */
export async function readLog(
  pool: Pool,
  buildId: string,
  after: number,
  limit: number,
): Promise<LogLine[]> {
  const { rows } = await pool.query<LogLine>({
    name: 'read_log',
    text: `SELECT number, at, level, message FROM builds.log
      WHERE build_id = $1 AND number > $2 ORDER BY number LIMIT $3`,
    values: [buildId, after, limit],
  })
  return rows
}
