import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readPrevious, readSecret } from './secrets.ts'
import { makeFolder, type Owner, readIfThere, setRights, writeWhole } from './write-file.ts'

/** A file of a container, and the secret that it holds. */
type Share = Readonly<Record<string, string>>

const metrics: Share = { 'metrics.token': 'metrics.token' }
const edge: Share = { 'edge.token': 'edge.token' }
const status: Share = { 'database.url': 'postgres/status.url' }

const onceShares: Readonly<Record<string, Share>> = {
  analytics: {
    'nats.password': 'nats/analytics.password',
    'database.url': 'postgres/analytics.url',
    ...metrics,
  },
  'build-controller': {
    'nats.password': 'nats/build-controller.password',
    'database.url': 'postgres/builds.url',
    'controller.key': 'builds/controller.key',
    'certificates.key': 'builds/certificates.key',
    'enrolment.token': 'builds/enrolment.token',
    ...metrics,
  },
  migrate: {
    'nats.password': 'nats/migrate.password',
    'database.url': 'postgres/analytics.url',
    'builds.url': 'postgres/builds.url',
    'owner.url': 'postgres/owner.url',
    'status.url': 'postgres/status.url',
    'admin.token': 'admin.token',
  },
  nats: { 'nats.conf': 'nats/nats.conf' },
  postgres: { 'owner.password': 'postgres/owner.password' },
  operator: {
    'nats.password': 'nats/operator.password',
    'admin.token': 'admin.token',
    'controller.key': 'builds/controller.key',
  },
  metrics,
  // For who registers backends.
  edge,
}

/** What each service of a node is shown besides its own password of NATS and the token of metrics. */
const nodeShares: Readonly<Record<string, (nodeId: string) => Share>> = {
  subscriber: agentToken,
  'ack-sender': () => ({}),
  // A restore of the agent's file copies from the canonical one.
  'config-manager': (nodeId) => ({ ...agentToken(nodeId), ...agentFile(nodeId) }),
  gateway: (nodeId) => ({ ...agentToken(nodeId), ...status }),
  'edge-proxy': (nodeId) => ({ ...agentToken(nodeId), ...edge }),
}

function agentToken(nodeId: string): Share {
  return { 'agent.token': `agent/${nodeId}.token` }
}

function agentFile(nodeId: string): Share {
  return { 'agent.toml': `agent/${nodeId}.toml` }
}

export const nodeServices = Object.keys(nodeShares)
/** The containers of a node, and those that a cluster has once. */
export const nodeParts = ['agent', ...nodeServices]
export const onceParts = Object.keys(onceShares)

/** What a container may see, by whom it is. Undefined where there is no such container. */
export function shareOf(who: string): Share | undefined {
  const once = onceShares[who]
  if (once) return once
  for (const [service, share] of Object.entries(nodeShares)) {
    if (!who.startsWith(`${service}-`)) continue
    const nodeId = who.slice(service.length + 1)
    return { 'nats.password': `nats/${who}.password`, ...share(nodeId), ...metrics }
  }
  return who.startsWith('agent-') ? agentFile(who.slice('agent-'.length)) : undefined
}

export const shareNames = [...nodeParts.map((part) => `${part}-<node>`), ...onceParts].join(', ')

/** What a rotation needs of the past: with it the new password is set. */
const withPrevious: Readonly<Record<string, string>> = { 'owner.url': 'postgres/owner.url' }

/** The files that a container may see, with what is in them. Throws where there is no such container. */
export function readShare(dir: string, who: string): Map<string, string> {
  const share = shareOf(who)
  if (!share) throw new Error(`nobody is called ${who}: it is one of ${shareNames}`)
  const files = new Map(Object.entries(share).map(([file, name]) => [file, readSecret(dir, name)]))
  for (const [file, name] of Object.entries(withPrevious)) {
    const previous = file in share ? readPrevious(dir, name) : undefined
    if (previous !== undefined) files.set(`${file}.previous`, previous)
  }
  return files
}

/** Brings a container's folder to what it may see, and to nothing else. Gives the names that changed. */
export function shareSecrets(options: {
  dir: string
  to: string
  who: string
  owner?: Owner
}): string[] {
  const { dir, to, who, owner } = options
  const files = readShare(dir, who)
  makeFolder(to, { mode: 0o750, owner })
  const changed: string[] = []
  for (const [file, value] of files) {
    const path = join(to, file)
    const text = `${value}\n`
    const rights = { mode: 0o440, owner }
    if (readIfThere(path) === text) {
      setRights(path, rights)
      continue
    }
    writeWhole(path, text, rights)
    changed.push(file)
  }
  for (const file of readdirSync(to)) {
    if (files.has(file)) continue
    rmSync(join(to, file), { recursive: true, force: true })
    changed.push(`${file} (removed)`)
  }
  return changed
}
