import { ProblemError } from './errors.ts'
import type { Roster } from './roster.ts'

/** Throws a 404 that names those who are known. */
export function requireKnown(roster: Pick<Roster, 'nodeIds'>, nodeId: string): void {
  const known = roster.nodeIds()
  if (known.includes(nodeId)) return
  throw new ProblemError(404, `there is no node ${nodeId}: known are ${known.join(', ')}`)
}
