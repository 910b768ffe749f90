import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { AgentKind } from '../../setup/find-agent.mjs'

/** Whose database this is; undefined when there is none yet, or it is nobody's. */
export function databaseKind(path: string): AgentKind | undefined {
  if (!existsSync(path)) return undefined
  try {
    using db = new DatabaseSync(path, { readOnly: true })
    const names = db
      .prepare("SELECT name FROM sqlite_schema WHERE name IN ('dev_agent', 'crsql_site_id')")
      .all()
      .map(({ name }) => name)
    if (names.includes('dev_agent')) return 'development'
    return names.includes('crsql_site_id') ? 'real' : undefined
  } catch {
    return undefined // neither kind of agent can read it, and each says why
  }
}

/** Neither kind goes on with what the other has stored: each would break it. */
export function requireDatabaseOf(kind: AgentKind, path: string): void {
  const found = databaseKind(path)
  if (found === undefined || found === kind) return
  throw new Error(
    `${path} was made by a ${found} agent, and a ${kind} one is to be started: forget the state with --fresh, or start with --agents ${found}`,
  )
}
