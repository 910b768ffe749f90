import { gatewayNow } from '../../api/gateway-clock.ts'
import type { TimeRange } from '../../shell/time-range.ts'

const hourMs = 3_600_000
// As long as analytics keeps them.
const most = 24 * 28

/** Analytics counts hours back from now; of less than the least it says nothing. */
export function hoursOf({ since }: TimeRange, least: number): number {
  return Math.min(most, Math.max(least, (gatewayNow() - Date.parse(since())) / hourMs))
}

/** Those up to the end of a time range. */
export function upTo<Row>(rows: readonly Row[], { until }: TimeRange, at: (row: Row) => string) {
  return until === undefined ? rows : rows.filter((row) => at(row) <= until)
}
