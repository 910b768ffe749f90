import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isRoot } from '@corroport/testing/postgres-program.ts'

/** The repository. */
export const root = resolve(import.meta.dirname, '../../..')

/** Where a cluster keeps its things. */
export interface Layout {
  /** `.corroport` of the repository, or CORROPORT_HOME. */
  home: string
  logs: string
  /** Who runs: locks and records. */
  run: string
  natsFolder: string
  /** Of root it lies elsewhere: Postgres runs as another, who may not look into `home`. */
  postgresFolder: string
  /** State of analytics. */
  analyticsFolder: string
  /** Files of builds, and the secrets of their controller. */
  buildsFolder: string
  runtimeConfigs: string
  agentFolder(node: number): string
  /** State of the services of a node. */
  stateFolder(node: number): string
  adminSocket(node: number): string
  /** Names the process of an agent; beside it, `<file>.hold` keeps the agent away. */
  pidFile(node: number): string
  runtimeConfig(node: number): string
  /** The baseline, with the paths of this machine. */
  canonicalConfig(node: number): string
  log(part: string): string
}

/** Spares each process the compiling and the stripping of types: 150 ms and 20 MB. */
export const compileCache = join(root, '.corroport/compile-cache')

export const schemaFolder = join(root, 'corrosion/schemas')

export function canonicalConfigPath(node: number): string {
  return join(root, `corrosion/configs/canonical/node${node}.toml`)
}

// sockaddr_un holds 104 bytes on macOS and 108 on Linux.
const maxSocketPathBytes = 100

export function createLayout(given?: string): Layout {
  const home = given || join(root, '.corroport')
  const isOwn = resolve(home) === join(root, '.corroport')
  const at = (...names: string[]): string => join(resolve(home), ...names)
  const digest = createHash('sha256').update(resolve(home)).digest('hex').slice(0, 8)
  const runtimeConfigs = isOwn ? join(root, 'corrosion/configs/runtime') : at('configs/runtime')
  return {
    home: resolve(home),
    logs: at('logs'),
    run: at('run'),
    natsFolder: at('nats'),
    postgresFolder: isRoot ? `/var/lib/corroport/${digest}` : at('postgres'),
    analyticsFolder: at('analytics'),
    buildsFolder: at('builds'),
    runtimeConfigs,
    agentFolder: (node) => at('agents', `node${node}`),
    stateFolder: (node) => at('nodes', `node${node}`),
    adminSocket: (node) => {
      const path = at('run', `node${node}.sock`)
      if (Buffer.byteLength(path) <= maxSocketPathBytes) return path
      return join(tmpdir(), `corroport-${digest}`, `node${node}.sock`)
    },
    pidFile: (node) => at('run', `agent${node}.pid`),
    runtimeConfig: (node) => join(runtimeConfigs, `node${node}.toml`),
    canonicalConfig: (node) => at('agents', `node${node}`, 'canonical.toml'),
    log: (part) => at('logs', `${part}.log`),
  }
}
