import { join } from 'node:path'
import { openStateFile } from '@corroport/bus'
import {
  ackSenderStatusQueried,
  agentInspected,
  agentRestartRequested,
  canaryTouched,
  clockProbed,
  configApplied,
  configChecked,
  configPlanned,
  configQueried,
  configRejected,
  configRestoreRequested,
  configRollbackRequested,
  configRolledBack,
  joinRequested,
  leaveRequested,
  lifecycleFailed,
  lifecycleReady,
  lifecycleRestarting,
  memberChanged,
  memberRemoved,
  membersRemoved,
  nodeAnnounced,
  nodeRowSeen,
  nodeSampled,
  nodeStateChanged,
  nodeViewed,
  nowMicroseconds,
  operationChanged,
  operationQueried,
  partitionHealed,
  partitionSuspected,
  removeRequested,
  rolloutChanged,
  rolloutStarted,
  rolloutSteered,
  rolloutsQueried,
  rowsDigested,
  stepExecuted,
  subscriberStatusQueried,
  toTimestamp,
  wipeRequested,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openNodeKey, openViews } from '@corroport/identity'
import type { NodeDeps } from '@corroport/node-process'
import { createAgentControl } from './agent/agent-control.ts'
import { answerRestarts } from './agent/agent-restart.ts'
import { inspectAgent } from './agent/inspect-agent.ts'
import { readToldAddress } from './agent/told-address.ts'
import { createAgentProbe } from './agent-probe.ts'
import { startAnnouncing } from './announce.ts'
import { createConfigChanges } from './change/config-changes.ts'
import { answerConfigCommands } from './change/config-commands.ts'
import type { Config } from './config.ts'
import { answerDigests } from './convergence/digests.ts'
import { startLifecycle } from './lifecycle/start-lifecycle.ts'
import { startMembership } from './membership/membership.ts'
import { createDurationMetrics } from './metrics.ts'
import { migrations } from './migrations.ts'
import { answerOperationQueries, createOperations } from './operations.ts'
import { startRollouts } from './rollout/rollouts.ts'
import { startSamples } from './samples/start-samples.ts'

export const says = [
  nodeAnnounced,
  nodeViewed,
  membersRemoved,
  lifecycleRestarting,
  lifecycleReady,
  lifecycleFailed,
  configApplied,
  configRejected,
  configRolledBack,
  rolloutChanged,
  operationChanged,
  nodeStateChanged,
  memberChanged,
  memberRemoved,
  partitionSuspected,
  partitionHealed,
  nodeSampled,
] as const
export const hears = [nodeAnnounced, nodeViewed, membersRemoved] as const
export const asks = [
  configChecked,
  stepExecuted,
  canaryTouched,
  rolloutsQueried,
  nodeRowSeen,
  subscriberStatusQueried,
  ackSenderStatusQueried,
] as const
export const answers = [
  clockProbed,
  agentInspected,
  agentRestartRequested,
  operationQueried,
  configQueried,
  configChecked,
  configPlanned,
  configRollbackRequested,
  configRestoreRequested,
  rolloutStarted,
  rolloutsQueried,
  rolloutSteered,
  stepExecuted,
  canaryTouched,
  joinRequested,
  leaveRequested,
  removeRequested,
  wipeRequested,
  nodeRowSeen,
  rowsDigested,
] as const

/** Looks after one node: its agent's process and file, its membership, and what others ask of it. */
export async function startConfigManager(config: Config, deps: NodeDeps): Promise<AsyncDisposable> {
  const { bus, log, health, metrics } = deps
  const { nodeId, region, stateDir, endpoints, configPath, canonicalPath, cluster } = config
  await using opening = new AsyncDisposableStack()
  for (const warning of config.warnings) log.warn({ warning }, 'setting without its effect')

  const { publicKey, instanceId } = openNodeKey(stateDir)
  const agent = opening.use(createCorrosionClient(config.agent))
  const directory = opening.use(
    openDirectory({
      bus,
      log,
      path: join(stateDir, 'config-manager-nodes.json'),
      lostAfterMs: cluster.heartbeatTimeoutMs,
    }),
  )
  const views = opening.use(openViews({ bus }))
  const state = opening.use(
    openStateFile({ path: join(stateDir, 'config-manager.sqlite'), migrations, bus, log }),
  )
  health.depend('state file', () => state.health())
  opening.use(bus.respond(clockProbed, { nodeId }, readClock))
  const durations = createDurationMetrics(metrics)
  const shared = { nodeId, bus, state, log, health, directory, views, agent }

  const operations = opening.use(createOperations(shared))
  opening.use(answerOperationQueries({ nodeId, bus, operations }))
  const control = opening.use(
    createAgentControl(config.control, { ...shared, stateDir, client: agent }),
  )
  const { adminSocketPath } = config.membership
  opening.use(
    bus.respond(agentInspected, { nodeId }, () =>
      inspectAgent({ configPath, pid: control.pid, adminSocketPath }),
    ),
  )
  const toldAddress = () => readToldAddress(config.control)
  const changes = createConfigChanges({
    ...shared,
    configPath,
    canonicalPath,
    agent: control,
    toldAddress,
  })
  const probe = createAgentProbe(agent, log)
  const membership = opening.use(
    startMembership({ ...shared, settings: config.membership, registry: metrics }),
  )
  const lifecycle = opening.use(
    startLifecycle({
      ...shared,
      region,
      publicKey,
      ackEndpoint: endpoints.peer,
      control,
      changes,
      operations,
      declared: () => membership.declared().nodes.flatMap((node) => node.nodeId ?? []),
      onJoined: durations.joined,
    }),
  )
  health.depend('agent', () => ({ ok: probe.status.state === 'ready', detail: probe.status.state }))
  opening.use(
    startAnnouncing({
      identity: { nodeId, instanceId, region, publicKey, endpoints, agentUrl: config.agent.url },
      everyMs: cluster.heartbeatIntervalMs,
      configPath,
      agent,
      bus,
      probe,
      changes,
      toldAddress,
      control,
      own: lifecycle.own,
      log,
    }),
  )
  opening.use(answerDigests(shared))
  opening.use(startSamples({ ...shared, control, configPath, registry: metrics }))

  // What a killed process left half done comes first, and holds up every other operation.
  const unfinished = changes
    .latest(1)
    .find(({ state: reached }) => reached === 'intended' || reached === 'written')
  if (unfinished) await operations.begin('apply', unfinished.by, () => changes.recover()).done
  else await changes.recover()
  opening.use(answerRestarts({ ...shared, operations, control }))
  opening.use(answerConfigCommands({ ...shared, changes, operations }))
  opening.use(
    startRollouts({
      ...shared,
      changes,
      operations,
      agentStatus: () => probe.look(),
      onFailover: durations.tookOver,
    }),
  )

  return opening.move()
}

/** What the parsing before and the writing after take is on the way, which is in the asker's bound. */
function readClock() {
  const heardAt = toTimestamp(nowMicroseconds())
  return { heardAt, answeredAt: toTimestamp(nowMicroseconds()) }
}
