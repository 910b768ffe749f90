import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Bus } from '@corroport/bus'
import {
  fromTimestamp,
  type NodeAnnounced,
  nodeAnnounced,
  nodeLostAfterMs,
  type Presence,
} from '@corroport/contracts'
import type { Logger } from 'pino'

/** The last that was heard of a node. */
export interface KnownNode {
  readonly announcement: NodeAnnounced
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
  /** Calls back when a node is heard for the first time, again after a silence, or as another. */
  onChange(listener: (announcement: NodeAnnounced) => void): Disposable
}

export interface DirectoryOptions {
  bus: Bus
  log: Logger
  /** Where identities are remembered, so that a restart without NATS still knows the others. */
  path: string
}

export function openDirectory({ bus, log, path }: DirectoryOptions): Directory {
  const known = new Map<string, { announcement: NodeAnnounced; heardAt: number }>()
  const listeners = new Set<(announcement: NodeAnnounced) => void>()

  for (const announcement of recall(path, log)) {
    const announcedAt = fromTimestamp(announcement.announcedAt) ?? 0
    const ageMs = Math.max(nodeLostAfterMs, Date.now() - announcedAt / 1000)
    known.set(announcement.nodeId, { announcement, heardAt: performance.now() - ageMs })
  }

  const hearing = bus.hear(nodeAnnounced, (announcement) => {
    const before = known.get(announcement.nodeId)
    const isSame =
      before !== undefined && identityOf(before.announcement) === identityOf(announcement)
    const wasAlive = before !== undefined && performance.now() - before.heardAt <= nodeLostAfterMs
    if (wasAlive && before.announcement.publicKey !== announcement.publicKey) {
      log.warn(
        { announcedNodeId: announcement.nodeId, holder: before.announcement.instanceId },
        'announcement with another key ignored while its node is present',
      )
      return
    }
    known.set(announcement.nodeId, { announcement, heardAt: performance.now() })
    if (!isSame) {
      remember(
        path,
        [...known.values()].map((node) => node.announcement),
      )
    }
    if (isSame && wasAlive) return
    for (const listener of listeners) listener(announcement)
  })

  const get = (nodeId: string): KnownNode | undefined => {
    const node = known.get(nodeId)
    return (
      node && { announcement: node.announcement, ageMs: () => performance.now() - node.heardAt }
    )
  }

  return {
    get,
    nodes: () => [...known.keys()].toSorted().flatMap((nodeId) => get(nodeId) ?? []),
    presence: (nodeId) => {
      const node = get(nodeId)
      if (!node) return 'unheard'
      return node.ageMs() <= nodeLostAfterMs ? 'present' : 'lost'
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

function recall(path: string, log: Logger): NodeAnnounced[] {
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
    return parsed.map((item) => nodeAnnounced.parse(item))
  } catch (err) {
    log.warn({ err, path }, 'remembered nodes cannot be read, waiting for announcements')
    return []
  }
}

function remember(path: string, announcements: NodeAnnounced[]): void {
  const draft = `${path}.draft`
  writeFileSync(draft, JSON.stringify(announcements, undefined, 2))
  renameSync(draft, path)
}
