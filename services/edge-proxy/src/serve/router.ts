import type { Socket } from 'node:net'
import type { Affinity } from '../balance/affinity.ts'
import type { Balancer, Candidate, Wanted } from '../balance/balancer.ts'
import { connectWithin } from './connect.ts'
import type { Counters, Total } from './counters.ts'
import type { Attempt, Decision, Refused } from './decision.ts'
import type { Slotted } from './directory.ts'

/** Who wants to be connected, and to what. */
export interface Caller {
  client: string
  /** Its address in words. */
  words: Int32Array
  app: string
  country: string | undefined
  region: string | undefined
  wanted: Wanted
}

export interface RouterDeps {
  balancer: Balancer
  /** Undefined: nobody is given the same backend again. */
  affinity: Affinity | undefined
  counters: Counters
  /** Who has the slot that was just taken. */
  backendAt: (slot: number) => Slotted | undefined
  connectTimeoutMs: number
  /** Of one connection, the first among them. */
  mostAttempts: number
  /** After so long no other backend is tried. */
  attemptsWithinMs: number
  now: () => number
  random: () => number
  /** Whether this decision is to be told, with its candidates. */
  isSampled: () => boolean
  isFailureSampled: () => boolean
  tell: (decision: Decision) => void
}

/** A backend that has accepted; `release` is to be called once, when the connection is over. */
export interface Routed {
  backend: Socket
  slot: number
  release: () => void
}

export type Route = (caller: Caller, onDone: (outcome: Routed | Refused) => void) => void

const mostCandidates = 32
const tierTotals: readonly Total[] = ['country', 'region', 'ownRegion', 'anywhere']

/**
 * Chooses a backend and connects to it, or to the next best when that fails. What was taken of a
 * backend is given back in every way that this ends.
 */
export function createRouter(deps: RouterDeps): Route {
  const { balancer, affinity, counters, backendAt, now, random } = deps

  const takeSticky = ({ words, wanted }: Caller): number => {
    if (!affinity) return -1
    const seconds = Math.floor(now() / 1000)
    const slot = affinity.find(wanted.app, words, seconds)
    if (slot < 0) return -1
    if (balancer.reserveAt(slot, wanted.app)) return slot
    affinity.forget(wanted.app, words)
    return -1
  }

  return (caller, onDone) => {
    const { wanted, words } = caller
    const begunAt = now()
    const isSampled = deps.isSampled()
    let candidates: Candidate[] = isSampled ? balancer.explain(wanted, mostCandidates) : []
    const attempts: Attempt[] = []
    const tried: number[] = []

    const finish = (outcome: Routed | Refused): void => {
      const isRefused = typeof outcome === 'string'
      if (isSampled || (isRefused && deps.isFailureSampled())) {
        if (candidates.length === 0) candidates = balancer.explain(wanted, mostCandidates)
        const { client, country, region, app } = caller
        const told = isRefused ? outcome : ('routed' as const)
        const at = Date.now()
        deps.tell({ at, client, country, region, app, candidates, attempts, outcome: told })
      }
      onDone(outcome)
    }

    const attempt = (slot: number, by: Attempt['by']): void => {
      const backend = backendAt(slot)
      const startedAt = now()
      if (!backend) throw new Error(`nobody was told who has slot ${slot}`)
      const note = (failure: string | null): void => {
        if (failure === null && !isSampled) return
        attempts.push({ slot, id: backend.id, by, ms: now() - startedAt, failure })
      }
      connectWithin(backend, deps.connectTimeoutMs, (outcome) => {
        if (!('reason' in outcome)) {
          const ms = now() - startedAt
          balancer.succeeded(slot)
          counters.connected(slot, ms)
          counters.countOf(slot, 'connections', 1)
          if (affinity) affinity.keep(wanted.app, words, slot, Math.floor(now() / 1000))
          note(null)
          finish({ backend: outcome, slot, release: () => balancer.release(slot) })
          return
        }
        note(outcome.reason)
        if (outcome.isOurs) {
          balancer.untried(slot)
          balancer.release(slot)
          finish('here')
          return
        }
        balancer.failed(slot, now())
        balancer.release(slot)
        counters.countOf(slot, 'errors', 1)
        affinity?.forget(wanted.app, words)
        tried.push(slot)
        const isOver = tried.length >= deps.mostAttempts || now() - begunAt > deps.attemptsWithinMs
        const next = isOver ? -1 : balancer.reserve(wanted, tried, random)
        if (next < 0) {
          finish('unreachable')
          return
        }
        counters.count('retried')
        attempt(next, 'score')
      })
    }

    const sticky = takeSticky(caller)
    if (sticky >= 0) {
      counters.count('stuck')
      attempt(sticky, 'affinity')
      return
    }
    const slot = balancer.reserve(wanted, tried, random)
    if (slot < 0) {
      finish('no-backend')
      return
    }
    counters.count(tierTotals[balancer.tierOf(slot, wanted)] ?? 'anywhere')
    attempt(slot, 'score')
  }
}
