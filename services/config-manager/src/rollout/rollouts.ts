import { type Bus, CommandError, type StateFile } from '@corroport/bus'
import {
  type AgentState,
  configChecked,
  configPlanned,
  nowMicroseconds,
  type Rollout,
  rolloutStarted,
  rolloutSteered,
  rolloutsQueried,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import type { Logger } from 'pino'
import type { ConfigChanges } from '../change/config-changes.ts'
import type { Operations } from '../operations.ts'
import { startCoordinator } from './coordinator.ts'
import { migrations as executorMigrations, startExecutor } from './executor.ts'
import { watchLease } from './lease.ts'
import { createPlanner, migrations as planMigrations } from './plan.ts'
import { migrations as documentMigrations, openRolloutDocument } from './rollout-document.ts'
import { hasEnded } from './rollout-machine.ts'

export const migrations = [...documentMigrations, ...planMigrations, ...executorMigrations] as const

export interface RolloutsDeps {
  nodeId: string
  bus: Bus
  state: StateFile
  /** Already recovered. */
  changes: ConfigChanges
  operations: Operations
  views: Views
  directory: Directory
  /** Asks the agent now. */
  agentStatus: () => Promise<{ state: AgentState; actorId: string | null }>
  onFailover: (seconds: number) => void
  log: Logger
  /** How long a changed node has to be a part of the cluster again. */
  gateTimeoutMs?: number
  /** How long a node may not answer before its step is given up. */
  silenceMs?: number
}

const latestCount = 20

/** Plans changes of many nodes, leads them, and does this node's part of them. */
export function startRollouts(deps: RolloutsDeps): AsyncDisposable {
  const { nodeId, bus, state, changes, directory, views, agentStatus, onFailover, log } = deps
  const { gateTimeoutMs = 60_000, silenceMs = 60_000 } = deps
  const stack = new AsyncDisposableStack()

  const document = stack.use(openRolloutDocument({ nodeId, bus, state }))
  const lease = stack.use(watchLease(nodeId, bus, log))
  const executor = stack.use(startExecutor(deps))

  const askOthers = async (id?: string): Promise<void> => {
    const present = directory
      .nodes()
      .map(({ announcement }) => announcement.nodeId)
      .filter((other) => other !== nodeId && directory.presence(other) === 'present')
    await Promise.all(
      present.map(async (asked) => {
        try {
          const query = id === undefined ? {} : { id }
          const { rollouts } = await bus.request(rolloutsQueried, { nodeId: asked }, query)
          for (const rollout of rollouts) document.remember(rollout)
        } catch (err) {
          if (!(err instanceof CommandError)) throw err
          log.debug({ err, askedNodeId: asked }, 'a node does not say which rollouts it knows')
        }
      }),
    )
  }

  /** This node may have been away when its step was given up; by now another rollout may be newest. */
  const undoGivenUp = async (newest: Rollout): Promise<void> => {
    const [change] = changes.latest(1)
    const id = change?.rollout_id ?? undefined
    if (id === undefined || change?.action !== 'apply' || change.state !== 'applied') return
    const known = document.find(id)
    if (id !== newest.id && !(known && hasEnded(known))) await askOthers(id)
    const rollout = document.find(id)
    const own = rollout?.nodes.find(({ node_id }) => node_id === nodeId)
    if (rollout && hasEnded(rollout) && own?.state === 'failed') executor.undoAlone(id)
  }

  const coordinator = stack.use(
    startCoordinator({
      nodeId,
      bus,
      document,
      lease,
      directory,
      views,
      log,
      gateTimeoutMs,
      silenceMs,
      askOthers: () => askOthers(),
      onLook: undoGivenUp,
      onFailover,
    }),
  )

  const planner = createPlanner({
    nodeId,
    bus,
    state,
    directory,
    views,
    requireNoRollout: () => coordinator.requireNone(),
  })

  stack.use(
    bus.respond(configChecked, { nodeId }, async ({ edit }) => {
      const [checked, agent] = await Promise.all([changes.check(edit), agentStatus()])
      return {
        ...checked,
        agent: { state: agent.state, actor_id: agent.actorId },
        clock: toTimestamp(nowMicroseconds()),
      }
    }),
  )
  stack.use(
    bus.respond(configPlanned, { nodeId }, async (request) => ({
      plan: await planner.make(request),
    })),
  )
  stack.use(
    bus.respond(rolloutStarted, { nodeId }, async ({ planId, by }) => ({
      rollout: await coordinator.start(await planner.recheck(planId), by),
    })),
  )
  stack.use(
    bus.respond(rolloutsQueried, { nodeId }, async ({ id }) => {
      // A rollout may have begun elsewhere since the last look. Without it: what this node knows.
      await document.read().catch((err: unknown) => log.debug({ err }, 'rollout cannot be read'))
      if (id === undefined) return { rollouts: document.latest(latestCount) }
      const found = document.find(id)
      return { rollouts: found ? [found] : [] }
    }),
  )
  stack.use(
    bus.respond(rolloutSteered, { nodeId }, async ({ id, action, by }) => ({
      rollout: await coordinator.steer(id, action, by),
    })),
  )
  return stack
}
