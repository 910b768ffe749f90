import type { BuildStatus } from '@corroport/contracts'
import type { Pool } from 'pg'

/** Who says something about a build, by what it showed. */
export interface Holder {
  leaseHash?: Buffer | undefined
  vmHash?: Buffer | undefined
  /** Of a token that is looked up with the same statement. */
  workerHash?: Buffer | undefined
  /** Of a worker that proved itself otherwise. */
  workerId?: string | undefined
}

export interface Claim {
  outcome: 'claimed' | 'again' | 'none' | 'draining' | 'unknown-worker'
  worker_id: string | null
  /** That the worker builds. */
  platforms: string[] | null
  build_id: string | null
  platform: string | null
  source_bytes: string | null
  has_certs: boolean | null
  attempt: number | null
  submitted_at: Date | null
}

/** Gives the next build that fits to a worker, or the one that it holds. One statement, one transaction. */
export async function claim(
  pool: Pool,
  worker: { tokenHash: Buffer } | { id: string },
  secrets: { leaseHash: Buffer; otpHash: Buffer; leaseSeconds: number },
): Promise<Claim> {
  const { rows } = await pool.query<Claim>({
    name: 'claim',
    text: 'SELECT * FROM builds.claim($1, $2, $3, $4, $5)',
    values: [
      'tokenHash' in worker ? worker.tokenHash : null,
      'id' in worker ? worker.id : null,
      secrets.leaseHash,
      secrets.otpHash,
      secrets.leaseSeconds,
    ],
  })
  return only(rows)
}

export interface Beat {
  outcome: 'held' | 'not-held' | 'ended' | 'unknown'
  status: BuildStatus | null
  expires_at: Date | null
}

/** A sign of life: the lease is as long as at its beginning again. */
export async function beat(
  pool: Pool,
  buildId: string,
  holder: Omit<Holder, 'workerHash'>,
  leaseSeconds: number,
): Promise<Beat> {
  const { rows } = await pool.query<Beat>({
    name: 'beat',
    text: 'SELECT * FROM builds.beat($1, $2, $3, $4, $5)',
    values: [
      buildId,
      holder.leaseHash ?? null,
      holder.vmHash ?? null,
      holder.workerId ?? null,
      leaseSeconds,
    ],
  })
  return only(rows)
}

export interface Report {
  status: 'completed' | 'failed'
  reason?: string | undefined
  result?: { name: string; bytes: number; sha256: Buffer } | undefined
}

export interface Finish {
  /** `repeated`: the same was said before. `ended`: something else was. */
  outcome:
    | 'finished'
    | 'repeated'
    | 'ended'
    | 'not-held'
    | 'no-result'
    | 'unknown'
    | 'unknown-worker'
  status: BuildStatus | null
  result_name: string | null
}

export async function finish(
  pool: Pool,
  buildId: string,
  holder: Holder,
  { status, reason, result }: Report,
): Promise<Finish> {
  const { rows } = await pool.query<Finish>({
    name: 'finish',
    text: 'SELECT * FROM builds.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    values: [
      buildId,
      holder.leaseHash ?? null,
      holder.vmHash ?? null,
      holder.workerHash ?? null,
      holder.workerId ?? null,
      status,
      reason ?? null,
      result?.name ?? null,
      result?.bytes ?? null,
      result?.sha256 ?? null,
    ],
  })
  return only(rows)
}

export interface TakenBack {
  outcome: 'requeued' | 'dead' | 'failed' | 'not-held'
  platform: string | null
}

export interface Loss {
  attempt: number
  /** Only if nothing was heard since; null: whatever was heard. */
  beat: string | null
  failure: 'lost-worker' | 'abandoned' | 'time-limit'
  reason: string
  /** Whether it is one of the losses that a build may have. */
  counts: boolean
}

export async function takeBack(
  pool: Pool,
  buildId: string,
  loss: Loss,
  { maxLosses, delaySeconds }: { maxLosses: number; delaySeconds: number },
): Promise<TakenBack> {
  const { rows } = await pool.query<TakenBack>({
    name: 'take_back',
    text: 'SELECT * FROM builds.take_back($1, $2, $3, $4, $5, $6, $7, $8)',
    values: [
      buildId,
      loss.attempt,
      loss.beat,
      loss.failure,
      loss.reason,
      loss.counts,
      maxLosses,
      delaySeconds,
    ],
  })
  return only(rows)
}

export async function cancel(pool: Pool, buildId: string, reason: string) {
  const { rows } = await pool.query<{
    outcome: 'cancelled' | 'repeated' | 'ended' | 'unknown'
    status: BuildStatus | null
  }>({ name: 'cancel', text: 'SELECT * FROM builds.cancel($1, $2)', values: [buildId, reason] })
  return only(rows)
}

const maxOtpTries = 5

export async function authenticateVm(
  pool: Pool,
  buildId: string,
  otpHash: Buffer,
  vmHash: Buffer,
): Promise<'accepted' | 'wrong' | 'none' | 'unknown'> {
  const { rows } = await pool.query<{ outcome: 'accepted' | 'wrong' | 'none' | 'unknown' }>({
    name: 'authenticate_vm',
    text: 'SELECT * FROM builds.authenticate_vm($1, $2, $3, $4)',
    values: [buildId, otpHash, vmHash, maxOtpTries],
  })
  return only(rows).outcome
}

export interface HeldBuild {
  id: string
  attempt: number
  beat: string
  lease_seconds: number
  losses: number
  worker_id: string
}

/** What workers hold now. */
export async function listHeld(pool: Pool): Promise<HeldBuild[]> {
  const { rows } = await pool.query<HeldBuild>({
    name: 'held',
    text: `SELECT id, attempt, beat, lease_seconds, losses, worker_id FROM builds.build
      WHERE status IN ('assigned', 'building')`,
  })
  return rows
}

export async function heldBy(pool: Pool, workerId: string): Promise<HeldBuild | undefined> {
  const { rows } = await pool.query<HeldBuild>(
    `SELECT id, attempt, beat, lease_seconds, losses, worker_id FROM builds.build
      WHERE worker_id = $1 AND status IN ('assigned', 'building')`,
    [workerId],
  )
  return rows[0]
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (!row) throw new Error('unreachable: a function of the queue gave no row')
  return row
}
