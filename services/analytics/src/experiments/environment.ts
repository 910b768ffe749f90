import { availableParallelism, platform } from 'node:os'
import { type Bus, onceConnected } from '@corroport/bus'
import { configQueried, type ExperimentEnvironment } from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import { version } from '@corroport/service'
import { sql } from 'kysely'
import type { Db } from '../store/database.ts'

const askWithinMs = 1000

/** What the cluster is now, as far as it can be known within a second. */
export async function describeEnvironment(
  deps: { db: Db; bus: Bus; directory: Directory },
  nodeIds: readonly string[],
): Promise<ExperimentEnvironment> {
  const { db, bus, directory } = deps
  const [nats, postgres, ...nodes] = await Promise.all([
    bus.isConnected ? soon(onceConnected(bus, async (to) => to.nats.info?.version)) : undefined,
    sql<{ server_version: string }>`SHOW server_version`.execute(db),
    ...nodeIds.map((nodeId) => describeNode(bus, directory, nodeId)),
  ])
  return {
    versions: {
      corroport: version,
      node: process.versions.node,
      ...(nats !== undefined && { nats }),
      postgres: postgres.rows[0]?.server_version.split(' ')[0] ?? 'unknown',
    },
    nodes,
    host: { platform: `${platform()} ${process.arch}`, cores: availableParallelism() },
  }
}

async function describeNode(
  bus: Bus,
  directory: Directory,
  nodeId: string,
): Promise<ExperimentEnvironment['nodes'][number]> {
  const announcement = directory.get(nodeId)?.announcement
  const isPresent = directory.presence(nodeId) === 'present'
  const config = isPresent
    ? await soon(bus.request(configQueried, { nodeId }, { changes: 0 }))
    : undefined
  return {
    node_id: nodeId,
    region: announcement?.region ?? null,
    actor_id: announcement?.agent.actorId ?? null,
    agent_kind: announcement?.agent.kind ?? null,
    agent_version: announcement?.agent.version ?? null,
    version: announcement?.version ?? null,
    bootstrap: config?.file.bootstrap ?? [],
    config_sha256: config?.file.sha256 ?? null,
    was_present: isPresent,
  }
}

/** Undefined where no answer comes: an experiment does not wait for what only describes it. */
async function soon<T>(answer: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, askWithinMs, undefined)
  try {
    return await Promise.race([answer.catch(() => undefined), promise])
  } finally {
    clearTimeout(timer)
  }
}
