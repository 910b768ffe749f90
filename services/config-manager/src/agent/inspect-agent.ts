import { readdir, readlink, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { messageOf } from '@corroport/bus'
import {
  type AgentFile,
  type AgentSubscription,
  type agentInspected,
  toTimestamp,
} from '@corroport/contracts'
import { openAdmin } from '@corroport/corrosion-client'
import type { Static } from 'typebox'
import { readParsed } from '../change/agent-file.ts'
import { isText } from '../config/known-settings.ts'
import { settingOf } from '../config/settings.ts'
import { fileMode } from './file-mode.ts'

export interface InspectOptions {
  /** The file that the agent runs from. */
  configPath: string
  /** Undefined while it is away, or where nothing tells it. */
  pid: number | undefined
  /** Where it is not the one of the file. */
  adminSocketPath: string | undefined
}

const adminTimeoutMs = 2000
// An answer of NATS stays below 1 MB.
const mostSubscriptions = 300
const mostSqlCharacters = 2000
const mostSchemaFiles = 200

/** What an agent lives from: where its files are and how they are guarded, never what is in them. */
export async function inspectAgent(
  options: InspectOptions,
): Promise<Static<typeof agentInspected.reply>> {
  const paths = await findPaths(options)
  const files = await Promise.all(paths.map(({ role, path }) => lookAt(role, path)))
  const socket = paths.find(({ role }) => role === 'admin-socket')?.path
  return { files, ...(await listSubscriptions(socket)) }
}

type Place = Pick<AgentFile, 'role' | 'path'>

async function findPaths({ configPath, pid, adminSocketPath }: InspectOptions): Promise<Place[]> {
  const places: Place[] = [{ role: 'config', path: configPath }]
  const [binary, folder] = await Promise.all([linkOf(pid, 'exe'), linkOf(pid, 'cwd')])
  if (binary !== undefined) places.push({ role: 'binary', path: binary })
  // Relative ones are seen from where the agent was started, in a process of which nothing is known.
  const absolute = (path: string): string =>
    isAbsolute(path) || folder === undefined ? path : resolve(folder, path)
  const { database, schemas, socket } = readSettings(configPath)
  if (database !== undefined) {
    const path = absolute(database)
    places.push(
      { role: 'database', path },
      { role: 'wal', path: `${path}-wal` },
      { role: 'shm', path: `${path}-shm` },
    )
  }
  for (const schema of schemas) {
    for (const path of await schemaFiles(absolute(schema))) places.push({ role: 'schema', path })
  }
  const admin = adminSocketPath ?? (socket === undefined ? undefined : absolute(socket))
  if (admin !== undefined) places.push({ role: 'admin-socket', path: admin })
  return places
}

function readSettings(configPath: string): {
  database: string | undefined
  schemas: string[]
  socket: string | undefined
} {
  try {
    const { table } = readParsed(configPath)
    const textOf = (name: string): string | undefined => {
      const value = settingOf(table, name)
      return isText(value) ? value : undefined
    }
    const schemas = settingOf(table, 'db.schema_paths')
    return {
      database: textOf('db.path'),
      schemas: Array.isArray(schemas) ? schemas.filter(isText) : [],
      socket: textOf('admin.path'),
    }
  } catch {
    return { database: undefined, schemas: [], socket: undefined } // the file itself is shown
  }
}

async function linkOf(pid: number | undefined, name: 'exe' | 'cwd'): Promise<string | undefined> {
  if (pid === undefined) return undefined
  try {
    return (await readlink(`/proc/${pid}/${name}`)).replace(/ \(deleted\)$/, '')
  } catch {
    return undefined // it has just ended, it is another user's, or this is not Linux
  }
}

/** A schema path is a file, or a folder of which the agent reads the .sql files. */
async function schemaFiles(path: string): Promise<string[]> {
  try {
    const names = (await readdir(path)).filter((name) => name.endsWith('.sql')).toSorted()
    return names.slice(0, mostSchemaFiles).map((name) => join(path, name))
  } catch {
    return [path] // a file, or what is missing is told of it
  }
}

async function lookAt(role: AgentFile['role'], path: string): Promise<AgentFile> {
  const unknown = { role, path, size_bytes: null, modified_at: null, mode: null }
  if (!isAbsolute(path) && role !== 'config') {
    const error = 'it is relative to where the agent was started, which is not known'
    return { ...unknown, exists: false, error }
  }
  try {
    const { size, mtimeMs, mode } = await stat(path)
    return {
      role,
      path,
      exists: true,
      size_bytes: size,
      modified_at: toTimestamp(mtimeMs * 1000),
      mode: fileMode(mode),
      error: null,
    }
  } catch (error) {
    const isMissing = Error.isError(error) && 'code' in error && error.code === 'ENOENT'
    return { ...unknown, exists: false, error: isMissing ? null : messageOf(error) }
  }
}

async function listSubscriptions(socket: string | undefined): Promise<{
  subscriptions: AgentSubscription[] | null
  subscriptionsError: string | null
}> {
  if (socket === undefined) {
    return { subscriptions: null, subscriptionsError: 'no admin socket is known' }
  }
  try {
    const all = await openAdmin(socket, { timeoutMs: adminTimeoutMs }).subscriptions()
    const subscriptions = all
      .slice(0, mostSubscriptions)
      .map(({ id, hash, sql }) => ({ id, hash, sql: sql.slice(0, mostSqlCharacters) }))
    return { subscriptions, subscriptionsError: null }
  } catch (error) {
    return { subscriptions: null, subscriptionsError: messageOf(error) }
  }
}
