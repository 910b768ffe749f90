import { clockAlarmMs, samplesNeeded } from '@corroport/contracts'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../store/tables.ts'
import { type Measured, type Spread, toMilliseconds } from './distribution.ts'

/** The two clocks of an experiment that surely were furthest apart. */
export interface ClocksApart {
  ahead: string
  behind: string
  /** µs, by which they differ at least. */
  atLeast: number
}

/** Of the nodes of `counted_pair`. Undefined where fewer than two clocks are known. */
export async function findClocksApart(
  transaction: Transaction<Database>,
): Promise<ClocksApart | undefined> {
  const { rows } = await sql<ClocksApart>`
    WITH clock AS (
      SELECT node_id, max(offset_us - bound_us) AS ahead, min(offset_us + bound_us) AS behind
      FROM clock_segment
      WHERE node_id IN (SELECT origin FROM counted_pair UNION SELECT node_id FROM counted_pair)
      GROUP BY node_id
    )
    SELECT a.node_id AS ahead, b.node_id AS behind, a.ahead - b.behind AS "atLeast"
    FROM clock a JOIN clock b ON a.node_id <> b.node_id
    ORDER BY a.ahead - b.behind DESC LIMIT 1`.execute(transaction)
  return rows[0]
}

export interface Suspicion {
  all: Measured
  senderDelay: Spread
  skipped: number
  unsettled: number
  /** Of all transports. */
  unstored: number
  clocks: ClocksApart | undefined
  /** Receivers that are not among the figures. */
  hidden: number
}

/** A sender that is later than this share of the median round trip falsifies it. */
const bearableDelay = 0.1
/** µs. A sender that collects garbage, or waits for a busy machine, is not late by so much. */
const stall = 100_000

/** Why the figures may mislead, a sentence each. */
export function findWarnings(suspicion: Suspicion): string[] {
  const { all, senderDelay, skipped, unsettled, unstored, clocks, hidden } = suspicion
  const median = all.round_trip[2]?.[1]
  const [delay, worst] = senderDelay[2]?.slice(3) ?? []
  const oneWay = all.one_way[2]?.[1]
  const warnings: string[] = []
  if (median !== undefined && delay !== undefined && delay > bearableDelay * median) {
    warnings.push(
      `The sender fell behind: ${senderDelay[0] < samplesNeeded.p99 ? '' : '99 of 100 '}messages left up to ${inMs(delay)} late, more than a tenth of the median round trip of ${inMs(median)}.`,
    )
  } else if (worst !== undefined && worst >= stall) {
    // A few of many messages are in no percentile.
    warnings.push(`The sender stalled: a message left ${inMs(worst)} late.`)
  }
  if (all.wall > 0) {
    warnings.push(
      `${all.wall} of ${all.acks} round trips are by the wall clock, which may have been set in between: their gateway began anew.`,
    )
  }
  if (clocks && clocks.atLeast > clockAlarmMs * 1000) {
    const { ahead, behind, atLeast } = clocks
    warnings.push(
      `The clock of ${ahead} was at least ${inMs(atLeast)} ahead of the one of ${behind}: Corrosion does not believe more than ${clockAlarmMs} ms.`,
    )
  }
  if (oneWay !== undefined && all.bound !== null && Math.abs(oneWay) < all.bound) {
    warnings.push(
      `The median one-way time of ${inMs(oneWay)} is smaller than its possible error of ${inMs(all.bound)}.`,
    )
  }
  if (skipped > 0) {
    warnings.push(
      `${skipped} planned messages were not sent: their time passed before they could be.`,
    )
  }
  if (unsettled > 0) {
    warnings.push(
      `Of ${unsettled} messages nobody knows whether they were written; they are not counted.`,
    )
  }
  if (unstored > 0) {
    warnings.push(
      `${unstored} messages that were sent are not stored, or not any more: they are in none of these figures.`,
    )
  }
  if (hidden > 0) {
    warnings.push(`${hidden} more receivers are not shown here; the pairs tell of all.`)
  }
  return warnings
}

const inMs = (us: number): string => `${toMilliseconds(us)} ms`
