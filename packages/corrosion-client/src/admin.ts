import { createConnection, type Socket } from 'node:net'
import {
  asInteger,
  asList,
  asNumber,
  asObject,
  asText,
  isObject,
  type JsonObject,
} from './decode.ts'
import { CorrosionConnectionError, CorrosionProtocolError, describeError } from './errors.ts'
import { parseJson, stringifyJson } from './json.ts'
import { decodeLab, encodeLink, type LabState, type LinkSettings } from './lab.ts'

export interface AdminOptions {
  /** For one request with all its frames. Default 5 s. */
  timeoutMs?: number | undefined
  /** A longer frame is refused. Default 100 MiB, which is the agent's own limit. */
  maxFrameBytes?: number | undefined
}

/** The agent's answer to an admin request is an error. */
export class AdminError extends Error {
  override name = 'AdminError'
}

/** Another agent of the cluster, as this agent's transport knows it. Itself is never among them. */
export interface Member {
  /** 32 hex digits. */
  actorId: string
  /** Gossip address. */
  address: string
  clusterId: number
  /** When this identity began, NTP64. */
  identifiedAt: bigint
  /** Latest round trips, newest first; empty before the first. */
  rttsMs: number[]
  /** 0 (below 6 ms) to 5 (above 200 ms); null before the first round trip. */
  ring: number | null
  /** NTP64; null until a sync with it. */
  lastSyncAt: bigint | null
}

/** One identity that SWIM remembers; a restarted agent may be listed twice. */
export interface MembershipState {
  actorId: string
  address: string
  clusterId: number
  identifiedAt: bigint
  incarnation: number
  state: 'Alive' | 'Suspect' | 'Down'
}

/** Versions held and missing, by actor (32 hex digits). */
export interface SyncState {
  actorId: string
  heads: Map<string, number | bigint>
  /** Ranges of versions, both ends included. */
  need: Map<string, { start: number | bigint; end: number | bigint }[]>
  /** Actors of which a version has come in part. */
  partialNeed: string[]
}

export interface SubscriptionSummary {
  id: string
  hash: string
  sql: string
}

/** The admin socket of one agent. Each call is a connection of its own. */
export interface Admin {
  /** Sends any request; the contents of the `Json` frames of its answer. */
  request(request: unknown, signal?: AbortSignal): Promise<unknown[]>
  ping(signal?: AbortSignal): Promise<void>
  members(signal?: AbortSignal): Promise<Member[]>
  membershipStates(signal?: AbortSignal): Promise<MembershipState[]>
  syncState(signal?: AbortSignal): Promise<SyncState>
  subscriptions(signal?: AbortSignal): Promise<SubscriptionSummary[]>
  /** As the agent has it (`last_change_id`, `path`, `statements` …); fields differ by version. */
  subscriptionInfo(id: string, signal?: AbortSignal): Promise<JsonObject>
  /** Applies the schema files again. klukai 0.1.4 does not know it: `AdminError`. */
  reload(signal?: AbortSignal): Promise<void>
  /** Sets the filter of the agent's log (`info,corro_agent=debug`), or puts back the first one. */
  setLogFilter(filter: string | undefined, signal?: AbortSignal): Promise<void>
  /** Of a development agent. A real one has none: `AdminError`. */
  readonly lab: LabAdmin
}

/** How a development agent's network and clock are bent, until its next start. */
export interface LabAdmin {
  show(signal?: AbortSignal): Promise<LabState>
  /** The link on which it sends to this gossip address, or all with null; the rest stays. */
  setLink(peer: string | null, settings: Partial<LinkSettings>, signal?: AbortSignal): Promise<void>
  setClock(offsetMs: number, signal?: AbortSignal): Promise<void>
  /** As it was at the agent's start. */
  reset(signal?: AbortSignal): Promise<void>
}

/** `path` is the agent's `admin.path`, a Unix socket; nothing is opened before the first request. */
export function openAdmin(path: string, options: AdminOptions = {}): Admin {
  const request = (body: unknown, signal?: AbortSignal) => exchange(path, body, options, signal)
  const one = async (body: unknown, signal?: AbortSignal) => (await request(body, signal))[0]
  const askLab = async (body: unknown, signal?: AbortSignal) => {
    try {
      return await one({ Lab: body }, signal)
    } catch (error) {
      if (!(error instanceof AdminError) || !error.message.startsWith('unknown variant `Lab`')) {
        throw error
      }
      throw new AdminError('this is a real Corrosion agent: only development agents have a lab', {
        cause: error,
      })
    }
  }

  return {
    request,
    async ping(signal) {
      await request('Ping', signal)
    },
    async members(signal) {
      return (await request({ Cluster: 'Members' }, signal)).map(decodeMember)
    },
    async membershipStates(signal) {
      return (await request({ Cluster: 'MembershipStates' }, signal)).map(decodeMembershipState)
    },
    async syncState(signal) {
      return decodeSyncState(await one({ Sync: 'Generate' }, signal))
    },
    async subscriptions(signal) {
      const list = asList(await one({ Subs: 'List' }, signal), 'subscriptions')
      return list.map((item) => {
        const { id, hash, sql } = asObject(item, 'subscription')
        return { id: asText(id, 'id'), hash: asText(hash, 'hash'), sql: asText(sql, 'sql') }
      })
    },
    async subscriptionInfo(id, signal) {
      return asObject(await one({ Subs: { Info: { hash: null, id } } }, signal), 'subscription')
    },
    async reload(signal) {
      await request('Reload', signal)
    },
    async setLogFilter(filter, signal) {
      await request({ Log: filter === undefined ? 'Reset' : { Set: { filter } } }, signal)
    },
    lab: {
      show: async (signal) => decodeLab(await askLab('Show', signal)),
      async setLink(peer, settings, signal) {
        await askLab({ Set: { peer, ...encodeLink(settings) } }, signal)
      },
      async setClock(offsetMs, signal) {
        await askLab({ Clock: { offset_ms: offsetMs } }, signal)
      },
      async reset(signal) {
        await askLab('Reset', signal)
      },
    },
  }
}

const defaultTimeoutMs = 5_000
const defaultMaxFrameBytes = 100 * 1024 * 1024

/** Sends one frame and reads frames up to `"Success"` or an error; log frames are left out. */
async function exchange(
  path: string,
  request: unknown,
  { timeoutMs = defaultTimeoutMs, maxFrameBytes = defaultMaxFrameBytes }: AdminOptions,
  caller: AbortSignal | undefined,
): Promise<unknown[]> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = caller === undefined ? deadline : AbortSignal.any([caller, deadline])
  signal.throwIfAborted()
  const socket = createConnection(path)
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort)
  try {
    socket.write(encodeFrame(request))
    const answers: unknown[] = []
    for await (const frame of readFrames(socket, maxFrameBytes)) {
      if (frame === 'Success') return answers
      if (!isObject(frame)) throw new CorrosionProtocolError('an admin frame of unknown kind')
      if ('Error' in frame) {
        throw new AdminError(asText(asObject(frame.Error, 'Error').msg, 'msg'))
      }
      if ('Json' in frame) answers.push(frame.Json)
    }
    throw new Error('it closed the connection')
  } catch (error) {
    if (caller?.aborted) throw caller.reason
    if (error instanceof AdminError || error instanceof CorrosionProtocolError) throw error
    const why = deadline.aborted ? `no answer in ${timeoutMs} ms` : describeError(error)
    const outcome = isObject(error) && error.syscall === 'connect' ? 'not-sent' : 'unknown'
    throw new CorrosionConnectionError(`admin socket ${path}: ${why}`, outcome, error)
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

function encodeFrame(value: unknown): Buffer {
  const body = Buffer.from(stringifyJson(value))
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(body.length)
  body.copy(frame, 4)
  return frame
}

async function* readFrames(
  socket: Socket,
  maxFrameBytes: number,
): AsyncGenerator<unknown, void, undefined> {
  let chunks: Buffer[] = []
  let heldBytes = 0
  let neededBytes = 4
  let isHeader = true
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    heldBytes += chunk.length
    while (heldBytes >= neededBytes) {
      const held = Buffer.concat(chunks)
      const part = held.subarray(0, neededBytes)
      chunks = [held.subarray(neededBytes)]
      heldBytes -= neededBytes
      if (isHeader) {
        neededBytes = part.readUInt32BE()
        if (neededBytes > maxFrameBytes) {
          throw new CorrosionProtocolError(`an admin frame of ${neededBytes} bytes`)
        }
      } else {
        yield parseFrame(part.toString())
        neededBytes = 4
      }
      isHeader = !isHeader
    }
  }
}

function parseFrame(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new CorrosionProtocolError('an admin frame that is no JSON', { cause: error })
  }
}

function decodeMember(value: unknown): Member {
  const { id, rtts, state: stateValue } = asObject(value, 'member')
  const state = asObject(stateValue, 'state')
  return {
    actorId: decodeActorId(id),
    address: asText(state.addr, 'addr'),
    clusterId: asNumber(state.cluster_id, 'cluster_id'),
    identifiedAt: decodeTime(state.ts),
    rttsMs: rtts === null ? [] : asList(rtts, 'rtts').map((rtt) => asNumber(rtt, 'rtt')),
    ring: state.ring === null ? null : asNumber(state.ring, 'ring'),
    lastSyncAt: state.last_sync_ts === null ? null : decodeTime(state.last_sync_ts),
  }
}

function decodeMembershipState(value: unknown): MembershipState {
  const { id: idValue, incarnation, state } = asObject(value, 'membership state')
  const id = asObject(idValue, 'id')
  if (state !== 'Alive' && state !== 'Suspect' && state !== 'Down') {
    throw new CorrosionProtocolError(`unknown membership state ${String(state)}`)
  }
  return {
    actorId: decodeActorId(id.id),
    address: asText(id.addr, 'addr'),
    clusterId: asNumber(id.cluster_id, 'cluster_id'),
    identifiedAt: decodeTime(id.ts),
    incarnation: asNumber(incarnation, 'incarnation'),
    state,
  }
}

function decodeSyncState(value: unknown): SyncState {
  const state = asObject(value, 'sync state')
  const byActor = <T>(field: unknown, name: string, decode: (item: unknown) => T) =>
    new Map(
      Object.entries(asObject(field, name)).map(([actor, item]) => [
        decodeActorId(actor),
        decode(item),
      ]),
    )
  return {
    actorId: decodeActorId(state.actor_id),
    heads: byActor(state.heads, 'heads', (head) => asInteger(head, 'head')),
    need: byActor(state.need, 'need', (ranges) =>
      asList(ranges, 'ranges').map((item) => {
        const { start, end } = asObject(item, 'range')
        return { start: asInteger(start, 'start'), end: asInteger(end, 'end') }
      }),
    ),
    partialNeed: Object.keys(asObject(state.partial_need, 'partial_need')).map(decodeActorId),
  }
}

/** The socket writes actors as UUIDs, the HTTP API and SQL without hyphens; here always without. */
function decodeActorId(value: unknown): string {
  return asText(value, 'actor id').replaceAll('-', '').toLowerCase()
}

function decodeTime(value: unknown): bigint {
  return BigInt(asInteger(value, 'time'))
}
