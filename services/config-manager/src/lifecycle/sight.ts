import type { Bus } from '@corroport/bus'
import { type NodeRowSeen, type NodeState, nodeRowSeen } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Directory } from '@corroport/identity'
import { readHoldings } from './holdings.ts'

/** Whether something is so by now: what it was seen in, or what is waited for. */
export type Sight = { isMet: true; detail: string } | { isMet: false; waitsFor: string }

/** What shows that this node is a member, asked of its own agent and of other nodes. */
export interface SightOfMembers {
  /** Nodes that can be asked: heard on NATS, not on their way out, with an agent that answers. */
  witnesses(): string[]
  /** Null where no answer came. */
  ask(nodeId: string): Promise<NodeRowSeen | null>
  /** What a few of them answer; others the next time. */
  askSome(): Promise<Witness[]>
  /** Another node's agent has this node's row, with this database's actor and this state. */
  seenByOthers(state?: NodeState): Promise<Sight>
  /** This node's agent has a row of another node, with the actor that that one announces. */
  seesOthers(): Promise<Sight>
  /** This agent has every version that another one had when this was first asked of `goal`. */
  caughtUp(goal: CatchUpGoal): Promise<Sight>
  /** Another agent has everything that was written through this one. */
  handedOver(): Promise<Sight>
}

export interface Witness {
  nodeId: string
  said: NodeRowSeen
}

/** Of one attempt. It stands still while the cluster goes on writing, so that it can be reached. */
export interface CatchUpGoal {
  witness?: Witness | undefined
}

export interface SightDeps {
  nodeId: string
  bus: Bus
  agent: CorrosionClient
  directory: Directory
}

const agentTimeoutMs = 1500
// In a large cluster each look would else cost every agent five queries.
const askedAtOnce = 5

export function createSightOfMembers({ nodeId, bus, agent, directory }: SightDeps): SightOfMembers {
  let turn = 0
  const ownActorId = () => agent.actorId({ timeoutMs: agentTimeoutMs })
  const ownHoldings = () =>
    readHoldings(agent, { nodeId, actorId: null }, { timeoutMs: agentTimeoutMs })

  const witnesses = (): string[] =>
    directory.nodes().flatMap(({ announcement }) => {
      const isWitness =
        announcement.nodeId !== nodeId &&
        directory.presence(announcement.nodeId) === 'present' &&
        (announcement.state === 'active' || announcement.state === 'joining') &&
        announcement.agent.state === 'ready'
      return isWitness ? [announcement.nodeId] : []
    })

  const askWith = async (witness: string, actorId: string | null): Promise<NodeRowSeen | null> => {
    try {
      return await bus.request(nodeRowSeen, { nodeId: witness }, { nodeId, actorId })
    } catch {
      return null // away, or its agent is: another look follows
    }
  }
  const askSome = async (): Promise<Witness[]> => {
    const actorId = await ownActorId()
    const all = witnesses()
    const first = all.length === 0 ? 0 : turn % all.length
    turn += askedAtOnce
    const asked = [...all.slice(first), ...all.slice(0, first)].slice(0, askedAtOnce)
    const said = await Promise.all(
      asked.map(async (witness) => ({
        nodeId: witness,
        said: await askWith(witness, actorId),
      })),
    )
    return said.filter((witness): witness is Witness => witness.said !== null)
  }

  return {
    witnesses,
    ask: async (witness) => await askWith(witness, await ownActorId().catch(() => null)),
    askSome,

    async seenByOthers(state) {
      const seenBy = (await askSome()).find(
        ({ said }) => said.seen && (state === undefined || said.state === state),
      )
      if (seenBy) return { isMet: true, detail: seenBy.nodeId }
      return notYet(`another node's agent to have the row of ${nodeId}`)
    },

    async seesOthers() {
      const { rows } = await agent.query(
        ['SELECT node_id, corrosion_actor_id FROM node_configs WHERE node_id <> ?', [nodeId]],
        { timeoutMs: agentTimeoutMs },
      )
      const actors = new Map(rows.map(([id, actorId]) => [id, actorId]))
      const seen = witnesses().find(
        (witness) => actors.get(witness) === directory.get(witness)?.announcement.agent.actorId,
      )
      if (seen !== undefined) return { isMet: true, detail: seen }
      return notYet('a row of another node that is present')
    },

    async caughtUp(goal) {
      // One that has this node's row has exchanged something with this agent already.
      goal.witness ??= (await askSome()).find(({ said }) => said.seen)
      if (!goal.witness) return notYet('a node to compare versions with')
      const { held } = await ownHoldings()
      const behind = Object.entries(goal.witness.said.held).filter(
        ([actorId, version]) => (held[actorId] ?? 0) < version,
      )
      if (behind.length === 0) return { isMet: true, detail: `with ${goal.witness.nodeId}` }
      return notYet(`versions of ${behind.length} actors that ${goal.witness.nodeId} has`)
    },

    async handedOver() {
      const { actorId, held } = await ownHoldings()
      const written = (actorId === null ? undefined : held[actorId]) ?? 0
      const others = await askSome()
      const holder = others.find(({ said }) => (said.held[actorId ?? ''] ?? 0) >= written)
      if (holder) return { isMet: true, detail: `${written} versions, to ${holder.nodeId}` }
      return notYet(`another node to have all ${written} versions of this one`)
    },
  }

  function notYet(what: string): Sight {
    if (!bus.isConnected) return { isMet: false, waitsFor: 'NATS' }
    if (witnesses().length > 0) return { isMet: false, waitsFor: what }
    return { isMet: false, waitsFor: 'another node that is present, with an agent that answers' }
  }
}
