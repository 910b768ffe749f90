import { createHash, timingSafeEqual } from 'node:crypto'
import { type Bus, followTokens, type StateFile } from '@corroport/bus'
import { fromTimestamp, nowMicroseconds, type TokenRecord, toTimestamp } from '@corroport/contracts'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { Principal } from './policy.ts'
import { openSessions } from './sessions.ts'
import { openTokenCopy } from './token-store.ts'

/** Who may ask this gateway. Tokens are the same for all gateways, sessions are its own. */
export interface Access extends AsyncDisposable {
  /** Who asks without a credential; undefined where one is wanted. */
  readonly anybody: Principal | undefined
  /** Why no credential can be judged yet. */
  unjudged(): string | undefined
  /** Throws a `ProblemError` of 401 for a token that is not good. */
  byToken(token: string): Principal
  /** Undefined for a session that is over, and for one whose token is. */
  bySession(value: string): Principal | undefined
  openSession(principal: Principal): { value: string; expiresAt: string }
  endSession(value: string): void
  tokens(): TokenRecord[]
  /** Resolves with the reason when nobody could ever ask: the process should end. */
  readonly refused: Promise<string>
}

export interface AccessDeps {
  config: Pick<Config, 'access'>
  bus: Bus
  state: StateFile
  health: Health
  log: Logger
}

const sessionMicroseconds = 12 * 3600 * 1_000_000
const tokenForm = /^cpt_([0-9A-HJKMNP-TV-Z]{10})_[A-Za-z0-9_-]{43}$/
const noDigest = '0'.repeat(64)

export function startAccess({ config, bus, state, health, log }: AccessDeps): Access {
  const { mode, isExposed } = config.access
  const copy = openTokenCopy(state)
  const sessions = openSessions(state, nowMicroseconds)
  const { promise: refused, resolve: refuse } = Promise.withResolvers<string>()

  let wasSame = false
  let failure = 'NATS, which keeps the access tokens, is away'
  const unjudged = (): string | undefined =>
    wasSame || copy.all().length > 0 ? undefined : failure
  if (mode === 'tokens') {
    health.depend('access tokens', () => {
      const detail = unjudged()
      return detail === undefined ? { ok: true } : { ok: false, detail }
    })
  }

  const following = followTokens({
    bus,
    log,
    copy,
    onSame: () => {
      if (!wasSame && mode === 'tokens' && isExposed && !copy.all().some(isGood)) {
        refuse(
          'no access token is valid and others than this machine reach the API: make one with corroport token create --role admin --name <yours>',
        )
      }
      wasSame = true
    },
    onFailure: (reason) => {
      failure = reason
    },
  })

  const principalOf = ({ id, name, role, expires_at }: TokenRecord): Principal => ({
    name,
    role,
    expiresAt: expires_at,
    tokenId: id,
    isStillGood: () => isGood(copy.get(id)),
  })

  return {
    anybody:
      mode === 'open'
        ? {
            name: 'operator',
            role: 'admin',
            expiresAt: null,
            tokenId: null,
            isStillGood: () => true,
          }
        : undefined,
    unjudged,
    refused,
    tokens: () => copy.all(),

    byToken(token) {
      const id = tokenForm.exec(token)?.[1]
      if (id === undefined) {
        throw new ProblemError(401, 'what was sent has not the form of an access token: cpt_…')
      }
      const record = copy.get(id)
      const digest = createHash('sha256').update(token).digest()
      const isSame = timingSafeEqual(digest, Buffer.from(record?.sha256 ?? noDigest, 'hex'))
      if (!record || !isSame) throw new ProblemError(401, 'this access token is not known')
      if (record.revoked_at !== null) {
        throw new ProblemError(401, `access token ${id} was revoked at ${record.revoked_at}`)
      }
      if (!isGood(record)) {
        throw new ProblemError(401, `access token ${id} expired at ${record.expires_at}`)
      }
      return principalOf(record)
    },

    bySession(value) {
      const session = sessions.find(value)
      const record = session && copy.get(session.tokenId)
      if (!record || !isGood(record)) return undefined
      return {
        ...principalOf(record),
        expiresAt: toTimestamp(session.expiresAt),
        isStillGood: () => isGood(copy.get(record.id)) && sessions.find(value) !== undefined,
      }
    },

    openSession({ tokenId, expiresAt: tokenExpiresAt }) {
      if (tokenId === null) throw new Error('unreachable: a session is opened with a token')
      const latest = nowMicroseconds() + sessionMicroseconds
      const expiresAt = Math.min(latest, microsecondsOf(tokenExpiresAt))
      return {
        value: sessions.open({ tokenId, expiresAt }),
        expiresAt: toTimestamp(expiresAt),
      }
    },

    endSession: (value) => sessions.end(value),
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  }
}

function isGood(record: TokenRecord | undefined): boolean {
  if (record === undefined || record.revoked_at !== null) return false
  return microsecondsOf(record.expires_at) > nowMicroseconds()
}

function microsecondsOf(expiresAt: string | null): number {
  if (expiresAt === null) return Number.POSITIVE_INFINITY
  // What cannot be read has passed.
  return fromTimestamp(expiresAt) ?? 0
}
