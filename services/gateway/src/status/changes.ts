import { isVolumeFull, type StateFile } from '@corroport/bus'
import { type ClusterChanged, type ClusterStatus, clusterChanged } from '@corroport/contracts'
import type { Logger } from 'pino'

export interface ChangeTellerDeps {
  nodeId: string
  state: Pick<StateFile, 'transaction'>
  log: Logger
  onChange: (what: ClusterChanged['what']) => void
}

/** Tells each change of what a status says, once, when it is first seen; returns whether there was one. */
export function createChangeTeller(deps: ChangeTellerDeps): (status: ClusterStatus) => boolean {
  const { nodeId, state, log, onChange } = deps
  const known = new Map<string, string>()
  return (status) => {
    const at = status.observed_at
    const changes: ClusterChanged[] = []
    const values = watched(status).map(({ what, subject, value }) => {
      const name = `${what} ${subject}`
      const from = known.get(name)
      if (from !== undefined && from !== value) {
        changes.push({ nodeId, what, subject, from, to: value, at })
      }
      return [name, value] as const
    })
    try {
      if (changes.length > 0) {
        state.transaction((tell) => {
          for (const change of changes) tell(clusterChanged, { nodeId }, change)
        })
      }
    } catch (err) {
      // It stays a change, to be told after the next look.
      // Of a full volume its state file has told.
      if (!isVolumeFull(err)) log.error({ err }, 'changes of the cluster not kept')
      return true
    }
    for (const [name, value] of values) known.set(name, value)
    for (const { what, subject, from, to } of changes) {
      log.info({ what, subject, from, to }, 'cluster changed')
      onChange(what)
    }
    return changes.length > 0
  }
}

interface WatchedValue {
  what: ClusterChanged['what']
  subject: string
  value: string
}

function watched({ overall, planes }: ClusterStatus): WatchedValue[] {
  const { corrosion, nats, postgres } = planes
  const { is_writable, streams } = nats.jetstream
  // Degraded is also what a cluster is that was not looked at yet.
  const isKnown = Object.values(planes).every(({ state }) => state !== 'unknown')
  return [
    ...unlessUnknown('overall', 'overall', isKnown ? overall : null),
    ...unlessUnknown('plane', 'corrosion', corrosion.state),
    ...unlessUnknown('plane', 'nats', nats.state),
    ...unlessUnknown('plane', 'postgres', postgres.state),
    ...unlessUnknown('jetstream-writable', 'jetstream', is_writable),
    ...streams.flatMap(({ name, exists, leader, replicas }) => [
      ...unlessUnknown('stream-leader', name, leader),
      // A stream without a quorum has no leader, and nobody else answers for it.
      ...unlessUnknown('stream-quorum', name, exists ? quorumOf(replicas) : null),
    ]),
    ...unlessUnknown('postgres-role', 'postgres', postgres.role),
  ]
}

function quorumOf({ have }: { have: number }): 'held' | 'lost' {
  return have > 0 ? 'held' : 'lost'
}

/** What is not known has not changed. */
function unlessUnknown(
  what: ClusterChanged['what'],
  subject: string,
  value: string | boolean | null,
): WatchedValue[] {
  return value === null || value === 'unknown' ? [] : [{ what, subject, value: String(value) }]
}
