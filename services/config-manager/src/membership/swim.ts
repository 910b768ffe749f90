import { messageOf } from '@corroport/bus'
import {
  ActorId,
  createParser,
  type NodeViewed,
  nowMicroseconds,
  type SwimMember,
  toTimestamp,
} from '@corroport/contracts'
import {
  type Admin,
  type CorrosionClient,
  type Member,
  type MembershipState,
  ntp64ToMicroseconds,
  openAdmin,
} from '@corroport/corrosion-client'
import { Type } from 'typebox'

type Swim = NodeViewed['swim']

/** What this node's agent knows of the others, looked at again and again. */
export interface SwimLook {
  readonly swim: Swim
  readonly sync: NodeViewed['sync']
  /** Looks once; never throws. */
  look(signal: AbortSignal): Promise<void>
}

const deadlineMs = 900
// The table is up to a minute old: worse than a socket that was slow a few times.
const preferSocketForMs = 10_000

export function createSwimLook(
  adminSocketPath: string | undefined,
  agent: CorrosionClient,
): SwimLook {
  const admin =
    adminSocketPath === undefined
      ? undefined
      : openAdmin(adminSocketPath, { timeoutMs: deadlineMs })
  let swim: Swim = { source: 'none', takenAt: null, error: null, members: [] }
  let sync: NodeViewed['sync'] = null
  let socketAnsweredAt = -Infinity

  const lookAtSocket = async (socket: Admin, signal: AbortSignal): Promise<void> => {
    const [states, members, held] = await Promise.all([
      socket.membershipStates(signal),
      socket.members(signal),
      socket.syncState(signal),
    ])
    const takenAt = now()
    socketAnsweredAt = performance.now()
    swim = { source: 'admin-socket', takenAt, error: null, members: mergeMembers(states, members) }
    sync = {
      heads: Object.fromEntries([...held.heads].map(([id, head]) => [id, Number(head)])),
      neededVersions: [...held.need.values()]
        .flat()
        .reduce((sum, { start, end }) => sum + Number(end) - Number(start) + 1, 0),
      partialActors: held.partialNeed.length,
      takenAt,
    }
  }

  return {
    get swim() {
      return swim
    },
    get sync() {
      return sync
    },
    async look(signal) {
      try {
        if (!admin) throw new Error('ADMIN_SOCKET is not set')
        await lookAtSocket(admin, signal)
      } catch (socketError) {
        const error = messageOf(socketError)
        swim = { ...swim, error }
        if (performance.now() - socketAnsweredAt < preferSocketForMs) return
        try {
          const members = await readTable(agent, signal)
          swim = { source: 'table', takenAt: now(), error: admin ? error : null, members }
        } catch (tableError) {
          swim = { ...swim, error: `${error}; table: ${messageOf(tableError)}` }
        }
      }
    },
  }
}

const TableRow = Type.Tuple([
  ActorId,
  Type.String(),
  Type.Enum(['Alive', 'Suspect', 'Down']),
  Type.Integer(),
  Type.String({ pattern: '^\\d{1,20}$' }),
  Type.Union([Type.Integer(), Type.Null()]),
])
const parseTableRow = createParser('row of __corro_members', TableRow)

async function readTable(agent: CorrosionClient, signal: AbortSignal): Promise<SwimMember[]> {
  const { rows } = await agent.query(
    `SELECT lower(hex(actor_id)), address, foca_state ->> '$.state',
       foca_state ->> '$.incarnation', CAST(foca_state ->> '$.id.ts' AS TEXT), rtt_min
     FROM __corro_members`,
    { signal, timeoutMs: deadlineMs },
  )
  const identities = rows.map((row) => {
    const [actorId, address, state, incarnation, identifiedAt, rttMin] = parseTableRow(row)
    const rttsMs = rttMin === null ? [] : [rttMin]
    return { actorId, address, state, incarnation, identifiedAt: BigInt(identifiedAt), rttsMs }
  })
  return newestIdentities(identities).map((identity) => ({
    ...toSwimMember(identity),
    rttsMs: identity.rttsMs,
  }))
}

/** What SWIM says of each, with what the transport measured of it. */
export function mergeMembers(
  states: readonly MembershipState[],
  members: readonly Member[],
): SwimMember[] {
  const measured = new Map(members.map((member) => [member.actorId, member]))
  return newestIdentities(states).map((identity) => {
    const member = measured.get(identity.actorId)
    if (!member) return toSwimMember(identity)
    const { ring, rttsMs, lastSyncAt } = member
    return {
      ...toSwimMember(identity),
      ring,
      rttsMs: rttsMs.slice(0, 20),
      lastSyncAt: lastSyncAt === null ? null : toTimestamp(ntp64ToMicroseconds(String(lastSyncAt))),
    }
  })
}

type Identity = Pick<
  MembershipState,
  'actorId' | 'address' | 'identifiedAt' | 'incarnation' | 'state'
>

/**
 * SWIM remembers for two days who is down: an agent that was restarted has its old identity beside
 * the new one, and one whose database was wiped an old actor id at the same address.
 */
export function newestIdentities<T extends Identity>(identities: readonly T[]): T[] {
  const actorIds = new Set<string>()
  const addresses = new Set<string>()
  const newestFirst = identities.toSorted(
    (a, b) => compare(b.identifiedAt, a.identifiedAt) || b.incarnation - a.incarnation,
  )
  return newestFirst
    .filter(({ actorId, address }) => {
      if (actorIds.has(actorId) || addresses.has(address)) return false
      actorIds.add(actorId)
      addresses.add(address)
      return true
    })
    .toSorted((a, b) => (a.actorId < b.actorId ? -1 : 1))
}

const stateNames = { Alive: 'alive', Suspect: 'suspect', Down: 'down' } as const

function toSwimMember(identity: Identity): SwimMember {
  const { actorId, address, incarnation } = identity
  return {
    actorId,
    address,
    state: stateNames[identity.state],
    incarnation,
    identifiedAt: String(identity.identifiedAt),
    ring: null,
    rttsMs: [],
    lastSyncAt: null,
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}
