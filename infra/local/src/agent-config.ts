import { parse } from 'smol-toml'
import { portsOf } from './ports.ts'

/** What differs from machine to machine and from cluster to cluster. */
export interface AgentPlace {
  databasePath: string
  schemaFolder: string
  adminSocket: string
  portOffset: number
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
  const settings = [
    ['db', 'path', place.databasePath],
    ['db', 'schema_paths', [place.schemaFolder]],
    ['admin', 'path', place.adminSocket],
  ] as const
  return settings.reduce((text, [table, key, value]) => {
    const edited = set(text, table, key, value)
    // Lines are edited without a full parser, so the outcome is read back by one.
    if (JSON.stringify(valueIn(edited, table, key)) === JSON.stringify(value)) return edited
    throw new Error(
      `write ${key} of [${table}] on one line below [${table}], so that it can be set`,
    )
  }, shifted)
}

function valueIn(toml: string, table: string, key: string): unknown {
  try {
    const settings = parse(toml)[table]
    return typeof settings === 'object' ? Reflect.get(settings, key) : undefined
  } catch {
    return undefined // the rest of a value that is spread over lines
  }
}

function set(toml: string, table: string, key: string, value: string | readonly string[]): string {
  const lines = toml.split('\n')
  const start = lines.findIndex((line) => line.trim() === `[${table}]`)
  // JSON's strings and lists of strings are TOML's too.
  const setting = `${key} = ${JSON.stringify(value)}`
  if (start === -1) return `${toml}\n[${table}]\n${setting}\n`
  const next = lines.findIndex((line, index) => index > start && line.trimStart().startsWith('['))
  const end = next === -1 ? lines.length : next
  const at = lines.findIndex(
    (line, index) => index > start && index < end && line.split('=')[0]?.trim() === key,
  )
  if (at === -1) return lines.toSpliced(start + 1, 0, setting).join('\n')
  const comment = /\s#[^"\]]*$/.exec(lines[at] ?? '')?.[0] ?? ''
  return lines.with(at, setting + comment).join('\n')
}
