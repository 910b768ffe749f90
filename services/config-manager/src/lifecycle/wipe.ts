import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import { createParser, type Operation } from '@corroport/contracts'
import { Type } from 'typebox'
import type { AgentControl } from '../agent/agent-control.ts'
import type { ConfigChanges } from '../change/config-changes.ts'
import type { Operations } from '../operations.ts'
import type { OwnState } from './node-state.ts'

export interface WipeDeps {
  nodeId: string
  own: OwnState
  control: AgentControl
  changes: ConfigChanges
  operations: Operations
}

/** Throws `RefusalError`, with nothing deleted, unless this node has left and its name was typed. */
export async function wipe(
  wish: { by: string; confirm: string },
  { nodeId, own, control, changes, operations }: WipeDeps,
): Promise<Operation> {
  operations.requireIdle()
  if (wish.confirm !== nodeId) {
    throw new RefusalError('invalid', `confirm has to be ${nodeId}, the name of this node`)
  }
  if (own.current.state !== 'left' || !control.isHeld || control.pid !== undefined) {
    throw new RefusalError(
      'conflict',
      `this node is ${own.current.state}: only a node that has left, with its agent stopped, is wiped`,
    )
  }
  const doomed = await findDatabase(changes.read().parsed)
  const { operation } = operations.begin('wipe', wish.by, (steps) =>
    steps.run('delete', async (detail) => {
      for (const { path } of doomed.entries) await rm(path, { recursive: true, force: true })
      if (doomed.folder !== undefined) await rmdir(doomed.folder).catch(unlessInUse)
      const bytes = doomed.entries.reduce((sum, entry) => sum + entry.bytes, 0)
      detail(`${bytes} bytes freed`)
    }),
  )
  return operation
}

interface Doomed {
  entries: { path: string; bytes: number }[]
  /** Of subscriptions: goes when nothing else is in it. */
  folder: string | undefined
}

const parseConfig = createParser(
  "the agent's file",
  Type.Object({
    db: Type.Object({ path: Type.String(), subscriptions_path: Type.Optional(Type.String()) }),
  }),
)
// The agent names each subscription's folder by its id.
const subscriptionFolder = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/

/** Exactly what an agent makes, by the paths of its file. Links are not followed but refused. */
async function findDatabase(parsed: unknown): Promise<Doomed> {
  const { db } = parseConfig(parsed)
  const folder = db.subscriptions_path ?? join(dirname(db.path), 'subscriptions')
  for (const path of [db.path, folder]) {
    if (!isAbsolute(path)) {
      throw new RefusalError(
        'conflict',
        `${path} is seen from the agent's working folder, which is not known here: give an absolute path`,
      )
    }
  }
  const files = [db.path, `${db.path}-wal`, `${db.path}-shm`]
  const names = (await kindOf(folder)) === 'folder' ? await readdir(folder) : []
  const folders = names.filter((name) => subscriptionFolder.test(name))
  const paths = [
    ...files.map((path) => ({ path, kind: 'file' as const })),
    ...folders.map((name) => ({ path: join(folder, name), kind: 'folder' as const })),
  ]
  const entries: Doomed['entries'] = []
  for (const { path, kind } of paths) {
    const found = await kindOf(path)
    if (found === undefined) continue
    if (found !== kind) {
      throw new RefusalError(
        'conflict',
        `${path} is a ${found}, not a ${kind}: nothing was deleted`,
      )
    }
    entries.push({ path, bytes: await sizeOf(path) })
  }
  return { entries, folder: names.length > 0 || (await kindOf(folder)) ? folder : undefined }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'link' | undefined> {
  try {
    const found = await lstat(path)
    if (found.isSymbolicLink()) return 'link'
    return found.isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path)
  if (!found.isDirectory()) return found.size
  const sizes = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function unlessInUse(error: unknown): void {
  if (Error.isError(error) && 'code' in error && error.code === 'ENOTEMPTY') return
  throw error
}
