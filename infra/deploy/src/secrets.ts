import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createAccessToken } from '@corroport/bus'
import { natsUsers } from './nats-users.ts'
import { isDraft, makeFolder, readIfThere, writeWhole } from './write-file.ts'

/** Roles of Postgres: whose the database is, who stores records, who queues builds, who looks how it does. */
export const postgresRoles = {
  owner: 'corroport',
  analytics: 'corroport_analytics',
  builds: 'corroport_builds',
  status: 'corroport_status',
} as const

/** Of everything in the folder of a cluster's secrets. */
export const secretRights = { mode: 0o600 }
const folderRights = { mode: 0o700 }

function randomText(): string {
  return randomBytes(32).toString('base64url')
}

/** The secrets of a cluster, by the name of their file, and how each is made. */
function secretsOf(nodeIds: readonly string[]): Map<string, () => string> {
  return new Map([
    ...['system', 'route', ...natsUsers(nodeIds).map(({ name }) => name)].map(
      (user) => [`nats/${user}.password`, randomText] as const,
    ),
    ...Object.keys(postgresRoles).map((role) => [`postgres/${role}.password`, randomText] as const),
    ...nodeIds.map((nodeId) => [`agent/${nodeId}.token`, randomText] as const),
    ['metrics.token', randomText] as const,
    ['edge.token', randomText] as const,
    ...['controller.key', 'certificates.key', 'enrolment.token'].map(
      (name) => [`builds/${name}`, randomText] as const,
    ),
    ['admin.token', createAdminToken] as const,
  ])
}

function createAdminToken(): string {
  return createAccessToken({ name: 'admin', role: 'admin', expiresAt: null }).token
}

/**
 * Makes what is missing, and nothing that is there. Gives the names of what it made. The database is
 * at `postgres`, as `host:port/name`.
 */
export function initSecrets(
  dir: string,
  { nodeIds, postgres }: { nodeIds: readonly string[]; postgres: string },
): string[] {
  makeFolder(dir, folderRights)
  for (const folder of ['nats', 'postgres', 'agent', 'builds'])
    makeFolder(join(dir, folder), folderRights)
  const made: string[] = []
  for (const [name, create] of secretsOf(nodeIds)) {
    const path = join(dir, name)
    if (readIfThere(path) !== undefined) continue
    writeWhole(path, `${create()}\n`, secretRights)
    made.push(name)
  }
  return [...made, ...composeUrls(dir, postgres)]
}

/** Addresses of Postgres hold its passwords. They follow them, so that each is kept in one place. */
function composeUrls(dir: string, place: string): string[] {
  const names: string[] = []
  for (const [role, user] of Object.entries(postgresRoles)) {
    for (const suffix of ['', previousSuffix]) {
      const password = readIfThere(join(dir, `postgres/${role}.password${suffix}`))?.trimEnd()
      if (password === undefined) continue
      const name = `postgres/${role}.url${suffix}`
      const text = `postgres://${user}:${password}@${place}\n`
      if (readIfThere(join(dir, name)) === text) continue
      writeWhole(join(dir, name), text, secretRights)
      names.push(name)
    }
  }
  return names
}

const previousSuffix = '.previous'

/** A secret without the newline at its end. Throws where it was not made yet. */
export function readSecret(dir: string, name: string): string {
  const text = readIfThere(join(dir, name))?.trimEnd()
  if (text) return text
  const maker = name.endsWith('.conf')
    ? 'nats-config'
    : name.endsWith('.toml')
      ? 'agent-config'
      : 'init'
  throw new Error(`${join(dir, name)} is missing or empty: run deploy ${maker} first`)
}

/** What a secret was before it was rotated. */
export function readPrevious(dir: string, name: string): string | undefined {
  return readIfThere(join(dir, `${name}${previousSuffix}`))?.trimEnd()
}

/** A new value for a secret that is there; the old one is kept beside it. */
export function rotateSecret(dir: string, name: string): void {
  const old = readSecret(dir, name)
  const create = name === 'admin.token' ? createAdminToken : randomText
  // First the copy: killed in between, the secret is what it was.
  writeWhole(join(dir, `${name}${previousSuffix}`), `${old}\n`, secretRights)
  writeWhole(join(dir, name), `${create()}\n`, secretRights)
  const role = /^postgres\/(.+)\.password$/.exec(name)?.[1]
  if (role === undefined) return
  const place = /@(.+)$/.exec(readSecret(dir, `postgres/${role}.url`))?.[1]
  if (place !== undefined) composeUrls(dir, place)
}

/** Removes what a killed process was writing. */
export function removeDrafts(dir: string): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (isDraft(entry.name)) rmSync(join(entry.parentPath, entry.name), { force: true })
  }
}
