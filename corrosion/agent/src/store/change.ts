import type { SqlValue } from './sql-value.ts'

/** The column name of a change that makes or deletes a whole row. */
export const sentinel = '-1'

/** One cell as one transaction of one actor left it; a row of `crsql_changes`. */
export interface Change {
  table: string
  /** The key's values, packed (reference of Corrosion: count, then type and length, then bytes). */
  pk: Uint8Array
  /** Column name, or `sentinel`. */
  cid: string
  val: SqlValue
  colVersion: number
  /** Causal length: odd while the row lives, even once it is deleted. */
  cl: number
  /** Position in its transaction, from 0. */
  seq: number
}

/** What is still current of one version: one transaction of one actor. */
export interface Changeset {
  /** 32 hex digits. */
  actorId: string
  /** The actor's `db_version`. */
  version: number
  /** Highest `seq` that the transaction gave. */
  lastSeq: number
  /** The actor's hybrid-logical time as NTP64. */
  ts: bigint
  /** By `seq`; empty when later versions have replaced all of it. */
  changes: readonly Change[]
}

/** Versions `start` to `end`, both included. */
export interface VersionRange {
  start: number
  end: number
}
