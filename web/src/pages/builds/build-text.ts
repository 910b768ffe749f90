import type { BuildSummary } from '@corroport/contracts'
import { formatDuration } from '../../format/time.ts'

function between(from: string | null, to: string | null): string | undefined {
  if (from === null || to === null) return undefined
  return formatDuration(Math.max(0, Date.parse(to) - Date.parse(from)))
}

/** `waited 3 s, took 4 min`: how long it waited for its last worker, and how long that one had it. */
export function spentText({ submittedAt, assignedAt, finishedAt }: BuildSummary): string {
  const waited = between(submittedAt, assignedAt)
  const took = between(assignedAt, finishedAt)
  return [
    ...(waited === undefined ? [] : [`waited ${waited}`]),
    ...(took === undefined ? [] : [`took ${took}`]),
  ].join(', ')
}

/** Whether it may still become something else. */
export function isOpen({ status }: Pick<BuildSummary, 'status'>): boolean {
  return status === 'pending' || status === 'assigned' || status === 'building'
}
