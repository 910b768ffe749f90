import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Bus } from '@corroport/bus'
import {
  ActorId,
  createParser,
  fromTimestamp,
  type NodeAnnounced,
  nodeAnnounced,
  nodeLostAfterMs,
  type Presence,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import { Type } from 'typebox'

/** The last that was heard of a node. */
export interface KnownNode {
  readonly announcement: NodeAnnounced
  /** Of its agent, newest first: another one since each time that its database was wiped. */
  readonly actorIds: readonly string[]
  /** Milliseconds since it was heard; from an earlier run, by its own announcement. */
  ageMs(): number
}

/**
 * Who is announced. Nothing in it comes from replicated rows, which anyone with access to the
 * database can write: an acknowledgement goes where its node said on NATS, and nowhere else.
 */
export interface Directory extends AsyncDisposable {
  get(nodeId: string): KnownNode | undefined
  nodes(): KnownNode[]
  presence(nodeId: string): Presence
  /** Of a node that was removed; it is known again when it announces itself. */
  forget(nodeId: string): void
  /** Calls back when a node is heard for the first time, again after a silence, or as another. */
  onChange(listener: (announcement: NodeAnnounced) => void): Disposable
}

export interface DirectoryOptions {
  bus: Bus
  log: Logger
  /** Where identities are remembered, so that a restart without NATS still knows the others. */
  path: string
  /** A node whose last announcement is older is lost. Default: three seconds. */
  lostAfterMs?: number
}

interface Remembered {
  announcement: NodeAnnounced
  actorIds: readonly string[]
}

export function openDirectory(options: DirectoryOptions): Directory {
  const { bus, log, path, lostAfterMs = nodeLostAfterMs } = options
  const known = new Map<string, Remembered & { heardAt: number }>()
  const listeners = new Set<(announcement: NodeAnnounced) => void>()

  for (const { announcement, actorIds } of recall(path, log)) {
    const announcedAt = fromTimestamp(announcement.announcedAt) ?? 0
    const ageMs = Math.max(lostAfterMs, Date.now() - announcedAt / 1000)
    const heardAt = performance.now() - ageMs
    known.set(announcement.nodeId, { announcement, actorIds, heardAt })
  }

  /** Without room for it, only a restart while NATS is away knows less. */
  const keep = (): void => {
    try {
      remember(path, known.values())
    } catch (err) {
      log.warn({ err, path }, 'nodes not remembered')
    }
  }

  const hearing = bus.hear(nodeAnnounced, (announcement) => {
    const before = known.get(announcement.nodeId)
    const isSame =
      before !== undefined && identityOf(before.announcement) === identityOf(announcement)
    const wasAlive = before !== undefined && performance.now() - before.heardAt <= lostAfterMs
    if (wasAlive && before.announcement.publicKey !== announcement.publicKey) {
      log.warn(
        { announcedNodeId: announcement.nodeId, holder: before.announcement.instanceId },
        'announcement with another key ignored while its node is present',
      )
      return
    }
    const actorIds = withActor(before?.actorIds ?? [], announcement.agent.actorId)
    known.set(announcement.nodeId, { announcement, actorIds, heardAt: performance.now() })
    if (!isSame || actorIds !== before.actorIds) keep()
    if (isSame && wasAlive) return
    for (const listener of listeners) listener(announcement)
  })

  const get = (nodeId: string): KnownNode | undefined => {
    const node = known.get(nodeId)
    if (!node) return undefined
    const { announcement, actorIds, heardAt } = node
    return { announcement, actorIds, ageMs: () => performance.now() - heardAt }
  }

  return {
    get,
    nodes: () => [...known.keys()].toSorted().flatMap((nodeId) => get(nodeId) ?? []),
    presence: (nodeId) => {
      const node = get(nodeId)
      if (!node) return 'unheard'
      return node.ageMs() <= lostAfterMs ? 'present' : 'lost'
    },
    forget: (nodeId) => {
      if (known.delete(nodeId)) keep()
    },
    onChange: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}

function identityOf({ publicKey, endpoints, region }: NodeAnnounced): string {
  return JSON.stringify([publicKey, endpoints.api, endpoints.peer, region])
}

const keptActorIds = 16

/** The same list when nothing is new: an agent that is away, or has not answered yet, has no id. */
function withActor(actorIds: readonly string[], actorId: string | null): readonly string[] {
  if (actorId === null || actorId === actorIds[0]) return actorIds
  return [actorId, ...actorIds.filter((id) => id !== actorId)].slice(0, keptActorIds)
}

const parseActorIds = createParser(
  'remembered actor ids',
  Type.Object({ actorIds: Type.Optional(Type.Array(ActorId)) }),
)

function recall(path: string, log: Logger): Remembered[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return []
    throw new Error(`cannot read ${path}`, { cause: error })
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (!Array.isArray(parsed)) throw new Error('not a list')
    return parsed.map((item) => {
      const { actorIds = [] } = parseActorIds(item)
      const announcement = nodeAnnounced.parse(item)
      return { announcement, actorIds: withActor(actorIds, announcement.agent.actorId) }
    })
  } catch (err) {
    log.warn({ err, path }, 'remembered nodes cannot be read, waiting for announcements')
    return []
  }
}

function remember(path: string, nodes: Iterable<Remembered>): void {
  const items = [...nodes].map(({ announcement, actorIds }) => ({ ...announcement, actorIds }))
  const draft = `${path}.draft`
  writeFileSync(draft, JSON.stringify(items, undefined, 2))
  renameSync(draft, path)
}
