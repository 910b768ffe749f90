import { createHash, randomBytes, randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  AccessToken,
  createParser,
  nowMicroseconds,
  type Role,
  TokenRecord,
  tokenBucket,
  toTimestamp,
} from '@corroport/contracts'
import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { accessOptions, type NatsAccess } from './access.ts'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { unlessFaster } from './documents.ts'
import { isStreamMissing } from './stream-heads.ts'

const parseToken = createParser('access token', TokenRecord)

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new access token and what is kept of it. The token itself is never stored anywhere. */
export function createAccessToken(about: { name: string; role: Role; expiresAt: string | null }): {
  token: string
  record: TokenRecord
} {
  const id = Array.from({ length: 10 }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  const token = `cpt_${id}_${randomBytes(32).toString('base64url')}`
  return { token, record: recordToken(token, about) }
}

const parseText = createParser('access token', AccessToken)

/** What is kept of a token that was made elsewhere. Throws a `ContractError` where it is none. */
export function recordToken(
  token: string,
  about: { name: string; role: Role; expiresAt: string | null },
): TokenRecord {
  const [, id = ''] = parseText(token).split('_')
  return {
    id,
    name: about.name,
    role: about.role,
    sha256: createHash('sha256').update(token).digest('hex'),
    created_at: toTimestamp(nowMicroseconds()),
    expires_at: about.expiresAt,
    revoked_at: null,
  }
}

/** The tokens of a cluster, for whoever administers them. */
export interface TokenBucket extends AsyncDisposable {
  /** Oldest first. */
  list(): Promise<TokenRecord[]>
  find(id: string): Promise<TokenRecord | undefined>
  add(record: TokenRecord): Promise<void>
  /** The revoked token, now or long ago; undefined when there is none. */
  revoke(id: string): Promise<TokenRecord | undefined>
}

/** Throws when NATS is not reached, or has no such bucket. */
export async function openTokenBucket(access: NatsAccess): Promise<TokenBucket> {
  const nats = await connect({ ...accessOptions(access), name: 'tokens', timeout: 5000 })
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    await manager.streams.info(stream)
    const kv = await new Kvm(nats).open(tokenBucket.name)
    const read = async (id: string) => {
      const entry = await kv.get(id)
      if (entry?.operation !== 'PUT') return undefined
      return { record: parseToken(entry.json()), revision: entry.revision }
    }
    return {
      async list() {
        const ids: string[] = []
        for await (const id of await kv.keys()) ids.push(id)
        const found = await Promise.all(ids.map(read))
        return found
          .flatMap((each) => each?.record ?? [])
          .toSorted((a, b) => a.created_at.localeCompare(b.created_at))
      },
      find: async (id) => (await read(id))?.record,
      async add(record) {
        await kv.create(record.id, JSON.stringify(parseToken(record)))
      },
      async revoke(id) {
        const found = await read(id)
        if (!found || found.record.revoked_at !== null) return found?.record
        const record = { ...found.record, revoked_at: toTimestamp(nowMicroseconds()) }
        const text = JSON.stringify(record)
        // Nothing but a revocation changes a token, so whoever was faster did the same.
        await unlessFaster(kv.update(id, text, found.revision))
        return record
      },
      [Symbol.asyncDispose]: () => nats.close(),
    }
  } catch (error) {
    await nats.close()
    throw isStreamMissing(error)
      ? new Error(`no bucket ${tokenBucket.name}: make it with corroport streams apply`)
      : error
  }
}

/** What a process keeps of the tokens, for when NATS is away or its store was emptied. */
export interface TokenCopy {
  get(id: string): TokenRecord | undefined
  all(): TokenRecord[]
  put(record: TokenRecord): void
}

export interface FollowTokensOptions {
  bus: Bus
  log: Logger
  copy: TokenCopy
  /** The copy has everything that the bucket has, and the bucket everything of the copy. */
  onSame: () => void
  /** Why it has not. */
  onFailure: (reason: string) => void
}

// A bucket that was made anew shows itself by nothing else when nobody deletes the consumer.
const lookAgainMs = 15_000
const retryMs = 500
const stream = `KV_${tokenBucket.name}`
const subjectPrefix = `$KV.${tokenBucket.name}.`

/**
 * Keeps a copy of the bucket, and puts back what a wiped one has lost. A revocation that either of
 * them knows wins over everything, so that no old copy revives a token.
 */
export function followTokens(options: FollowTokensOptions): AsyncDisposable {
  return options.bus.onConnected(async (connection, signal) => {
    while (!signal.aborted) {
      try {
        await followOnce(options, connection, signal)
      } catch (err) {
        if (signal.aborted) return
        options.log.debug({ err }, 'access tokens not followed')
        options.onFailure(
          isStreamMissing(err)
            ? `NATS has no bucket ${tokenBucket.name}: corroport streams apply makes it`
            : `tokens cannot be read from NATS: ${String(err)}`,
        )
      }
      await wait(retryMs, undefined, { signal }).catch(() => undefined)
    }
  })
}

async function followOnce(
  { log, copy, onSame }: FollowTokensOptions,
  { nats }: Connection,
  signal: AbortSignal,
): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const { state } = await manager.streams.info(stream)
  const kv = await new Kvm(nats).open(tokenBucket.name)
  const seen = new Set<string>()
  const putBack = async (): Promise<void> => {
    const lost = copy.all().filter(({ id }) => !seen.has(id))
    for (const record of lost) {
      await unlessFaster(kv.create(record.id, JSON.stringify(record)))
    }
    if (lost.length > 0) log.warn({ tokens: lost.length }, 'access tokens put back')
    onSame()
  }
  let isSame = state.messages === 0
  if (isSame) await putBack()

  const consumer = await jetstream(nats).consumers.get(stream, {
    deliver_policy: DeliverPolicy.LastPerSubject,
  })
  const messages = await consumer.consume({ max_messages: 256, abort_on_missing_resource: true })
  using _stop = onAborted(AbortSignal.any([signal, AbortSignal.timeout(lookAgainMs)]), () =>
    messages.stop(),
  )
  for await (const message of messages) {
    seen.add(message.subject.slice(subjectPrefix.length))
    await take(message, copy, kv, log)
    if (!isSame && message.info.pending === 0) {
      isSame = true
      await putBack()
    }
  }
}

async function take(message: JsMsg, copy: TokenCopy, kv: KV, log: Logger): Promise<void> {
  const id = message.subject.slice(subjectPrefix.length)
  const known = copy.get(id)
  const given = readToken(message, id, log)
  if (given === undefined) return
  // Deleted by hand means revoked: another copy would put back what is only gone.
  const base = given ?? (known && { ...known, revoked_at: toTimestamp(nowMicroseconds()) })
  if (!base) return
  const record = { ...base, revoked_at: known?.revoked_at ?? base.revoked_at }
  if (JSON.stringify(record) !== JSON.stringify(known)) copy.put(record)
  const isRevoked = given !== null && given.revoked_at !== null
  if (!isRevoked && record.revoked_at !== null) {
    await unlessFaster(kv.update(id, JSON.stringify(record), message.seq))
  }
}

/** Null where it was deleted; undefined where it is no token, which anyone with NATS may write. */
function readToken(message: JsMsg, id: string, log: Logger): TokenRecord | null | undefined {
  if (message.headers?.get('KV-Operation')) return null
  try {
    const record = parseToken(message.json())
    if (record.id === id) return record
    throw new Error(`it says that it is ${record.id}`)
  } catch (err) {
    log.warn({ err, key: id }, 'malformed access token ignored')
    return undefined
  }
}
