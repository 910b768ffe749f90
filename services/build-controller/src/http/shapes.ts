import type { BuildStatus } from '@corroport/contracts'
import type { Build } from '../store/builds.ts'

/**
 * The command line of the original throws at a status that it does not know, and watches for ever: under
 * `/api` a build that was cancelled or given up has failed. Under `/api/v2` it is what it is.
 */
export type Dialect = 'original' | 'v2'

export function dialectOf(url: string | undefined): Dialect {
  return url?.startsWith('/api/v2/') === true ? 'v2' : 'original'
}

export function statusIn(dialect: Dialect, status: BuildStatus): string {
  return dialect === 'original' && (status === 'cancelled' || status === 'dead') ? 'failed' : status
}

const usualReasons: Partial<Record<BuildStatus, string>> = {
  cancelled: 'Build cancelled by user',
  failed: 'Build failed',
}

/** Why a build has ended without a result; null where it has not. */
function errorOf({ status, reason }: Build): string | null {
  if (status !== 'failed' && status !== 'cancelled' && status !== 'dead') return null
  return reason ?? usualReasons[status] ?? null
}

/** `GET /builds/:id/status`. Times are milliseconds or null: the command line reads no other. */
export function toStatus(build: Build, dialect: Dialect) {
  const ms = (time: Date | null): number | null => time?.getTime() ?? null
  return {
    id: build.id,
    status: statusIn(dialect, build.status),
    state: build.status,
    platform: build.platform,
    worker_id: build.worker_id,
    submitted_at: ms(build.submitted_at),
    assigned_at: ms(build.assigned_at),
    started_at: ms(build.started_at),
    completed_at: ms(build.finished_at),
    error_message: errorOf(build),
    attempt: build.attempt,
    failure: build.failure,
    log_lines: Number(build.log_lines),
  }
}

/** One of `GET /builds`. The command line wants `completedAt` absent rather than null. */
export function toListItem(build: Build, dialect: Dialect) {
  return {
    id: build.id,
    platform: build.platform,
    status: statusIn(dialect, build.status),
    state: build.status,
    worker_id: build.worker_id,
    worker_name: build.worker_name,
    submitted_at: build.submitted_at.toISOString(),
    createdAt: build.submitted_at.toISOString(),
    updated_at: lastOf(build).toISOString(),
    ...(build.finished_at && { completedAt: build.finished_at.toISOString() }),
    error_message: errorOf(build),
    has_result: build.result_name !== null && build.files_removed_at === null,
    attempt: build.attempt,
    priority: build.priority,
    labels: build.labels,
    ...(build.retry_of !== null && { retry_of: build.retry_of }),
  }
}

function lastOf(build: Build): Date {
  return build.finished_at ?? build.heard_at ?? build.assigned_at ?? build.submitted_at
}

/** `45s`, `23m 45s`, `5h 23m`, `3d 14h`. */
export function toUptime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`
}
