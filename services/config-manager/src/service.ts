import type { Bus } from '@corroport/bus'
import { nodeAnnounced, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openNodeKey } from '@corroport/identity'
import { type Health, version } from '@corroport/service'
import type { Logger } from 'pino'
import { createAgentProbe } from './agent-probe.ts'
import type { Config } from './config.ts'
import { keepNodeRow } from './node-row.ts'
import { repeat } from './repeat.ts'

export const says = [nodeAnnounced] as const
export const hears = [] as const

const announceEveryMs = 1000
const keepRowEveryMs = 10_000

export interface ConfigManagerDeps {
  bus: Bus
  log: Logger
  health: Health
}

/** Announces the node each second, with the state of its agent, and keeps its row in node_configs. */
export function startConfigManager(config: Config, deps: ConfigManagerDeps): AsyncDisposable {
  const { bus, log, health } = deps
  const { nodeId, region, endpoints } = config
  const { publicKey, instanceId } = openNodeKey(config.stateDir)
  const client = createCorrosionClient(config.agent)
  const probe = createAgentProbe(client, log)
  const startedAt = toTimestamp(nowMicroseconds())

  health.depend('agent', () => ({ ok: probe.status.state === 'ready', detail: probe.status.state }))

  const announcing = repeat(announceEveryMs, log, async (signal) => {
    const agent = { ...(await probe.look(signal)), url: config.agent.url }
    const announcedAt = toTimestamp(nowMicroseconds())
    bus.hint(
      nodeAnnounced,
      { nodeId },
      { nodeId, instanceId, region, publicKey, endpoints, version, agent, startedAt, announcedAt },
    )
  })

  const keepingRow = repeat(keepRowEveryMs, log, async (signal) => {
    const { state, actorId } = await probe.look(signal)
    if (state !== 'ready' || actorId === null) return
    const row = { nodeId, actorId, region, ackEndpoint: endpoints.peer, publicKey }
    if (await keepNodeRow(client, row, signal)) log.info({ actorId }, 'node row written')
  })

  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([announcing[Symbol.asyncDispose](), keepingRow[Symbol.asyncDispose]()])
      await client[Symbol.asyncDispose]()
    },
  }
}
