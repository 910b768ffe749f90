import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyStreams } from '@corroport/bus'
import { durablesFor, streams } from '@corroport/contracts'
import type { Layout } from './layout.ts'
import { Part, type PartDefinition, type PartDeps } from './part.ts'
import { natsPortsOf } from './ports.ts'

/** Settings of the local nats-server. Without users: it listens on loopback only. */
function natsConfig(storeFolder: string, portOffset: number): string {
  const { client, monitoring } = natsPortsOf(portOffset)
  // nats-server reads quoted text as JSON does.
  return `server_name: "corroport-local"
listen: "127.0.0.1:${client}"
http: "127.0.0.1:${monitoring}"
jetstream { store_dir: ${JSON.stringify(storeFolder)}, max_file_store: 4GB }
`
}

export interface NatsSettings {
  url: string
  user?: string | undefined
  password?: string | undefined
  nodeIds: readonly string[]
}

/** Ready means: it answers, and streams and durables are as they are defined. */
export async function lookAtNats(settings: NatsSettings): Promise<undefined> {
  const { nodeIds, ...server } = settings
  await applyStreams({ ...server, streams, durables: durablesFor(nodeIds) })
}

function storeOf(layout: Layout): string {
  return join(layout.natsFolder, 'store')
}

/** For those who do not want to change anything: only whether the server is well. */
export async function lookAtMonitoring(
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal })
  return response.ok ? undefined : `answers ${response.status}`
}

export interface NatsServerSettings {
  command: string
  portOffset: number
  environment: NodeJS.ProcessEnv
  streams: NatsSettings
}

export function natsDefinition(layout: Layout, settings: NatsServerSettings): PartDefinition {
  const config = join(layout.natsFolder, 'nats.conf')
  mkdirSync(layout.natsFolder, { recursive: true })
  writeFileSync(config, natsConfig(storeOf(layout), settings.portOffset))
  return {
    name: 'nats',
    command: settings.command,
    args: ['-c', config],
    cwd: layout.natsFolder,
    env: { PATH: settings.environment.PATH },
    logPath: layout.log('nats'),
    stopRank: 0,
    stopDeadlineMs: 5000,
    // Again after each start: its store may have been wiped.
    look: () => lookAtNats(settings.streams),
  }
}

/** A nats-server whose store can be lost. */
export class NatsPart extends Part {
  readonly #layout: Layout

  constructor(definition: PartDefinition, deps: PartDeps, layout: Layout) {
    super(definition, deps)
    this.#layout = layout
  }

  /** Forgets every stream and durable; the next start makes them anew. */
  wipe(): void {
    if (this.pid !== undefined) throw new Error('the store is wiped while nats-server is down')
    rmSync(storeOf(this.#layout), { recursive: true, force: true })
  }
}
