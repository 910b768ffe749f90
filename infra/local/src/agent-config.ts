import { resolve } from 'node:path'
import { parse } from 'smol-toml'
import { root } from './layout.ts'
import { portsOf } from './ports.ts'

/** What differs from machine to machine and from cluster to cluster. */
export interface AgentPlace {
  databasePath: string
  schemaFolder: string
  adminSocket: string
  portOffset: number
  lab: LabStart
}

/** How a development agent is bent from its start. */
export interface LabStart {
  clockOffsetMs: number
  /** One way, by the peer's gossip address. */
  delaysMs: ReadonlyMap<string, number>
}

/** The canonical configuration of a node that has no committed one: the same pattern. */
export function canonicalConfig(node: number): string {
  const { agentApi, gossip, agentMetrics } = portsOf(node)
  const seeds = [1, 2, 3]
    .filter((seed) => seed !== node)
    .map((seed) => `"127.0.0.1:${portsOf(seed).gossip}"`)
  return `# Corrosion agent of node${node} on one machine. Paths are seen from the repository's root; a start
# copies this file to configs/runtime and puts absolute ones there.

[db]
path = ".corroport/agents/node${node}/corrosion.db"
schema_paths = ["corrosion/schemas"]
cache_size_kib = -65536 # 64 MiB; Corrosion's own default is 1 GiB per agent

[gossip]
addr = "127.0.0.1:${gossip}" # UDP
client_addr = "127.0.0.1:0" # the default needs IPv6
bootstrap = [${seeds.join(', ')}]
plaintext = true

[api]
addr = "127.0.0.1:${agentApi}"

[admin]
path = ".corroport/run/node${node}.sock" # at most about 100 bytes

[telemetry]
prometheus.addr = "127.0.0.1:${agentMetrics}"

[log]
colors = false
`
}

/** Canonical text with the settings of this place. Every other line, and every comment, is kept. */
export function runtimeConfig(canonical: string, place: AgentPlace): string {
  parse(canonical) // its own mistakes are told with their lines
  const shifted = canonical.replaceAll(/127\.0\.0\.1:(\d+)/g, (address, port: string) =>
    port === '0' ? address : `127.0.0.1:${Number(port) + place.portOffset}`,
  )
  const { clockOffsetMs, delaysMs } = place.lab
  const settings: (readonly [path: readonly string[], value: Setting])[] = [
    [['db', 'path'], place.databasePath],
    [['db', 'schema_paths'], [place.schemaFolder]],
    [['admin', 'path'], place.adminSocket],
    ...(clockOffsetMs === 0 ? [] : [[['lab', 'clock_offset_ms'], clockOffsetMs] as const]),
    ...[...delaysMs].map(([peer, ms]) => [['lab', 'links', peer, 'delay_ms'], ms] as const),
  ]
  return settings.reduce((text, [path, value]) => {
    const edited = set(text, path, value)
    // Lines are edited without a full parser, so the outcome is read back by one.
    if (JSON.stringify(valueIn(edited, path)) === JSON.stringify(value)) return edited
    const table = headerOf(path)
    throw new Error(
      `write ${path.at(-1)} of ${table} on one line below ${table}, so that it can be set`,
    )
  }, shifted)
}

/** Where an agent with this configuration has its database. */
export function databasePathIn(toml: string): string {
  return resolve(root, String(valueIn(toml, ['db', 'path'])))
}

type Setting = string | number | readonly string[]

function valueIn(toml: string, path: readonly string[]): unknown {
  try {
    return path.reduce<unknown>(
      (table, key) => (typeof table === 'object' && table ? Reflect.get(table, key) : undefined),
      parse(toml),
    )
  } catch {
    return undefined // the rest of a value that is spread over lines
  }
}

function headerOf(path: readonly string[]): string {
  const keys = path.slice(0, -1)
  return `[${keys.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.')}]`
}

function set(toml: string, path: readonly string[], value: Setting): string {
  const lines = toml.split('\n')
  const header = headerOf(path)
  const key = path.at(-1)
  const start = lines.findIndex((line) => line.trim() === header)
  // JSON's numbers, strings and lists of strings are TOML's too.
  const setting = `${key} = ${JSON.stringify(value)}`
  if (start === -1) return `${toml}\n${header}\n${setting}\n`
  const next = lines.findIndex((line, index) => index > start && line.trimStart().startsWith('['))
  const end = next === -1 ? lines.length : next
  const at = lines.findIndex(
    (line, index) => index > start && index < end && line.split('=')[0]?.trim() === key,
  )
  if (at === -1) return lines.toSpliced(start + 1, 0, setting).join('\n')
  const comment = /\s#[^"\]]*$/.exec(lines[at] ?? '')?.[0] ?? ''
  return lines.with(at, setting + comment).join('\n')
}
