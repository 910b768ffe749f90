import { type EdgeDecision, toTimestamp } from '@corroport/contracts'
import type { Decision } from '../serve/decision.ts'

/** The last decisions that the threads have recorded. */
export interface Decisions {
  add(decision: Decision): EdgeDecision
  /** Newest first. */
  last(limit: number): EdgeDecision[]
}

const mostKept = 200
const microsecondsOfMs = 1000

/** `idAt`: who has a slot now. Nearly always who had it when it was decided. */
export function createDecisions(idAt: (slot: number) => string | undefined): Decisions {
  const kept: EdgeDecision[] = []
  return {
    add({ at, client, country, region, app, outcome, attempts, candidates }) {
      const decision: EdgeDecision = {
        at: toTimestamp(at * microsecondsOfMs),
        client,
        country: country ?? null,
        region: region ?? null,
        app: app === '' ? null : app,
        outcome,
        attempts: attempts.map(({ id, by, ms, failure }) => ({ id, by, ms, failure })),
        candidates: candidates.flatMap(({ slot, tier, score, connections, refusal }) => {
          const id = idAt(slot)
          return id === undefined ? [] : { id, tier, score, connections, refusal }
        }),
      }
      kept.push(decision)
      if (kept.length > mostKept) kept.shift()
      return decision
    },
    last: (limit) => kept.slice(-limit).toReversed(),
  }
}
