import type { Candidate } from '../balance/balancer.ts'

/** Why one connection went where it went, or nowhere. Sent between threads. */
export interface Decision {
  /** Unix milliseconds. */
  at: number
  client: string
  country: string | undefined
  region: string | undefined
  app: string
  candidates: readonly Candidate[]
  attempts: readonly Attempt[]
  outcome: 'routed' | Refused
}

export type Refused = 'no-backend' | 'unreachable' | 'here'

export interface Attempt {
  slot: number
  id: string
  /** `affinity`: the backend that this client had before. */
  by: 'affinity' | 'score'
  ms: number
  /** Null: it accepted. */
  failure: string | null
}

/** Lets so many of each second through. */
export function createSampler(perSecond: number, now: () => number): () => boolean {
  let second = 0
  let taken = 0
  return () => {
    const current = Math.floor(now() / 1000)
    if (current !== second) {
      second = current
      taken = 0
    }
    taken += 1
    return taken <= perSecond
  }
}
