import { type Static, Type } from 'typebox'
import { Digest } from './agent-config.ts'
import { defineRecord } from './definition.ts'
import { answered } from './http.ts'
import { By } from './operation.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

/** Each may do what the one before it may: look; steer messages, experiments and agents; membership. */
export const roles = ['viewer', 'operator', 'admin'] as const
export const Role = Type.Union([
  Type.Literal('viewer'),
  Type.Literal('operator'),
  Type.Literal('admin'),
])
export type Role = Static<typeof Role>

/** Whether one role may do what another one may. */
export function includesRole(role: Role, wanted: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(wanted)
}

/** `cpt_<id>_<secret>`: 10 characters of base 32 that may be shown, and 256 bits that may not. */
export const AccessToken = Type.String({
  pattern: '^cpt_[0-9A-HJKMNP-TV-Z]{10}_[A-Za-z0-9_-]{43}$',
  description: 'cpt_…, as `corroport token create` printed it',
})
export const AccessTokenId = Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{10}$' })

/** KV bucket of the access tokens, by id. Revoked ones stay, so that no old copy revives them. */
export const tokenBucket = { name: 'TOKENS' } as const

/** One access token, without its secret. */
export const TokenRecord = Type.Object({
  id: AccessTokenId,
  name: Type.String({ minLength: 1, maxLength: 100, description: 'whose it is, for the audit' }),
  role: Role,
  sha256: Digest,
  created_at: Timestamp,
  expires_at: nullable(Timestamp),
  revoked_at: nullable(Timestamp),
})
export type TokenRecord = Static<typeof TokenRecord>

/** `GET /api/tokens`, for admins. */
export const TokensReply = Type.Object({
  tokens: Type.Array(Type.Omit(TokenRecord, ['sha256'])),
  ...answered,
})
export type TokensReply = Static<typeof TokensReply>

/** `POST /api/session`: a token becomes a cookie of this browser. */
export const SessionRequest = Type.Object({ token: AccessToken }, { additionalProperties: false })

/** `GET`, `POST` and `DELETE /api/session`. */
export const SessionReply = Type.Object({
  access: Type.Union([
    Type.Literal('open', { description: 'no token is asked for: loopback only' }),
    Type.Literal('tokens'),
  ]),
  principal: nullable(Type.Object({ name: By, role: Role, expires_at: nullable(Timestamp) }), {
    description: 'who asks; null: nobody yet, so a token is wanted',
  }),
  is_read_only: Type.Boolean({
    description: 'of this gateway: nobody changes anything through it',
  }),
  version: Type.String(),
  ...answered,
})
export type SessionReply = Static<typeof SessionReply>

/** Who did what: every request that changes something or runs SQL, and every one that was refused. */
export const auditNoted = defineRecord(
  'corro.audit.noted.{nodeId}',
  'A request that changes something or runs SQL was carried out, failed, or was refused.',
  Type.Object({
    nodeId: NodeId,
    requestId: Type.String({ minLength: 1, maxLength: 64 }),
    at: Timestamp,
    by: nullable(By, { description: 'null: nobody known' }),
    role: nullable(Role),
    action: Type.String({
      maxLength: 300,
      description: 'method and route: POST /api/node/restart',
    }),
    target: nullable(Type.String({ maxLength: 2000 }), {
      description: 'node, experiment, rollout or statement that was meant',
    }),
    status: Type.Integer({ description: 'of the answer' }),
    remoteAddress: Type.String({ maxLength: 100 }),
  }),
  (event) => `audit.${event.nodeId}.${event.requestId}`,
)
export type AuditNoted = Static<typeof auditNoted.schema>
