import type { SqlValue } from './sql-value.ts'

/** One SQL text with what is bound to it. */
export interface Statement {
  sql: string
  /** By position, or by name with its prefix (`:a`, `@a`, `$a`). */
  params: readonly SqlValue[] | Readonly<Record<string, SqlValue>>
}
