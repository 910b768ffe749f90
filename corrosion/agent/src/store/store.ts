import type { Change, Changeset, VersionRange } from './change.ts'
import type { Statement } from './statement.ts'

/** A replicated table. */
export interface ReplicatedTable {
  name: string
  /** In the order of the key. */
  keyColumns: readonly string[]
  /** The others, in the order of the table, without generated ones. */
  columns: readonly string[]
}

export interface TransactionResult {
  /** null when nothing that is replicated was changed. */
  version: number | null
  results: readonly { rowsAffected: number; timeSeconds: number }[]
  timeSeconds: number
}

/** SQLite refused a statement; the whole transaction was rolled back. The message is rusqlite's. */
export class StatementError extends Error {
  override name = 'StatementError'
}

/** A schema file breaks a rule, or wants a change that is not allowed. The message is Corrosion's. */
export class SchemaError extends Error {
  override name = 'SchemaError'
}

/** The database cannot be opened: held by another process, of another format, not writable. */
export class StoreOpenError extends Error {
  override name = 'StoreOpenError'
}

export interface Commit {
  origin: 'local' | 'remote'
  /** Those that are new here; of another actor's, only the changes that won. */
  changesets: readonly Changeset[]
}

export interface ApplyOutcome {
  /** New here, and now applied. */
  applied: readonly Changeset[]
  /** Not recorded, to be fetched again: a table or column is missing here, a CHECK refuses it. */
  failed: readonly { changeset: Changeset; error: Error }[]
}

/** A row of `__corro_members`: what was last known of another agent. */
export interface RememberedMember {
  /** 32 hex digits. */
  actorId: string
  address: string
  /** JSON; its `ts` is beyond 2^53. */
  focaState: string
  /** Milliseconds. */
  rttMin: number | null
  updatedAt: string
}

/** The database of one agent. Everything is synchronous. One process per file. */
export interface Store extends Disposable {
  readonly path: string
  /** 32 hex digits. */
  readonly actorId: string
  readonly tables: ReadonlyMap<string, ReplicatedTable>
  /** All or nothing, in one BEGIN IMMEDIATE. `timeoutMs` bounds each statement. Throws `StatementError`. */
  transact(statements: readonly Statement[], timeoutMs?: number): TransactionResult
  /** Merges what others wrote, in one transaction; versions that are held already are passed over. */
  apply(changesets: readonly Changeset[]): ApplyOutcome
  /** What is current of a version that is held; undefined when it is not held. */
  changeset(actorId: string, version: number): Changeset | undefined
  isHeld(actorId: string, version: number): boolean
  /** The highest version of each actor of which anything is known; this agent's own among them. */
  heads(): ReadonlyMap<string, number>
  /** Versions below the heads that are not held. Actors without gaps are left out. */
  gaps(): ReadonlyMap<string, readonly VersionRange[]>
  /** Another agent has this version: what lies between is now a gap. */
  learnHead(actorId: string, version: number): void
  /** Tables and indexes of schema files; merged into what is there. Throws `SchemaError`. */
  applySchema(sql: string): void
  /** Of `__corro_state`; 0 at first. Agents of other clusters are not heard. */
  clusterId(): number
  setClusterId(clusterId: number): void
  /** The rows of `__corro_members`. */
  rememberedMembers(): readonly RememberedMember[]
  /** All rows as they are from now on. */
  rememberMembers(rows: readonly RememberedMember[]): void
  /** Called after each commit that changed something replicated. Returns its removal. */
  onCommit(listener: (commit: Commit) => void): () => void
}

export type { Change, Changeset, VersionRange }
