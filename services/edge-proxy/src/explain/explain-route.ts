import type { EdgeCandidate } from '@corroport/contracts'
import { type Affinity } from '../balance/affinity.ts'
import { type Balancer, type Candidate, similarLoad, type Wanted } from '../balance/balancer.ts'
import { addressWords, readAddress } from '../balance/client-address.ts'
import { intAt } from '../balance/typed-arrays.ts'

export interface ExplainDeps {
  balancer: Balancer
  affinity: Affinity | undefined
  /** By slot. */
  weight: Int32Array
  idAt: (slot: number) => string | undefined
  nowSeconds: () => number
}

export interface Explained {
  affinity: string | null
  chosen: { id: string; share: number }[]
  candidates: EdgeCandidate[]
}

const mostCandidates = 1000

/** Where a client would be sent now; backends of `without` are taken to be dead. Takes nothing. */
export function explainRoute(
  deps: ExplainDeps,
  asked: { client: string; wanted: Wanted; without: readonly string[] },
): Explained {
  const { balancer, affinity, weight, idAt } = deps
  const dead = new Set(asked.without)
  const known = balancer
    .explain(asked.wanted, mostCandidates)
    .flatMap((candidate) => {
      const id = idAt(candidate.slot)
      if (id === undefined) return []
      return dead.has(id)
        ? { ...candidate, id, score: null, refusal: 'taken to be dead' }
        : { ...candidate, id }
    })
    .toSorted((a, b) => rank(a) - rank(b) || a.tier - b.tier)

  const words = new Int32Array(addressWords)
  const isAddress = readAddress(asked.client, words)
  const slot =
    isAddress && affinity ? affinity.peek(asked.wanted.app, words, deps.nowSeconds()) : -1
  const sticky = known.find((candidate) => candidate.slot === slot && candidate.score !== null)
  const equals = sticky ? [sticky] : equalsOf(known)
  const sum = equals.reduce((all, each) => all + intAt(weight, each.slot), 0)
  return {
    affinity: sticky?.id ?? null,
    chosen: equals.map((each) => ({ id: each.id, share: intAt(weight, each.slot) / sum })),
    candidates: known.map(told),
  }
}

/** The first and those of its tier that the balancer does not tell from it. */
function equalsOf<Ranked extends Pick<Candidate, 'score' | 'tier'>>(
  ranked: readonly Ranked[],
): Ranked[] {
  const [best] = ranked
  if (!best || best.score === null) return []
  const most = best.score + similarLoad
  return ranked.filter(({ tier, score }) => tier === best.tier && score !== null && score <= most)
}

function rank({ score }: { score: number | null }): number {
  return score ?? Number.POSITIVE_INFINITY
}

function told({
  id,
  tier,
  score,
  connections,
  refusal,
}: Omit<Candidate, 'refusal'> & { id: string; refusal: string | null }): EdgeCandidate {
  return { id, tier, score, connections, refusal }
}
