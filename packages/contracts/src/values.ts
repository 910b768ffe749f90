import { type Static, type TSchema, type TSchemaOptions, Type } from 'typebox'

/** A node's own stable name. It becomes a token of subjects, so nothing else may be in it. */
export const NodeId = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' })

/** `host:port`, `[v6]:port`. */
export const Endpoint = Type.String({
  minLength: 3,
  maxLength: 260,
  pattern: '^(\\[[0-9a-fA-F:.%a-z]+\\]|[^:\\s/@]+):\\d{1,5}$',
})

/** Corrosion's site id: 32 hexadecimal digits, no hyphens. Changes when the database is wiped. */
export const ActorId = Type.String({ pattern: '^[0-9a-f]{32}$' })

/** Raw Ed25519 public key, base64url. */
export const PublicKey = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })

/** `<node_id>_<ULID>`; what others write must be printable too, since it becomes a header of NATS. */
export const MessageId = Type.String({ pattern: '^[!-~]{1,128}$' })

/** A pattern of text that Postgres can keep: it has no NUL, and no half of a surrogate pair. */
export const keptText = '^[^\\0\\p{Cs}]*$'

/** A pattern of text that also fits one line of a terminal: it has no control characters. */
export const oneLine = '^[^\\p{Cc}\\p{Cs}]*$'

export const Region = Type.String({ minLength: 1, maxLength: 64 })

export const nullable = <S extends TSchema>(schema: S, options: TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options)

/** An SQLite value as JSON: integers beyond 2^53 and blobs do not fit and are tagged. */
export const Cell = Type.Union([
  Type.Null(),
  Type.Number(),
  Type.String(),
  Type.Object({ $integer: Type.String({ pattern: '^-?\\d{1,19}$' }) }),
  Type.Object({ $blob: Type.String({ description: 'base64' }) }),
])
export type Cell = Static<typeof Cell>

export function toCell(value: null | number | bigint | string | Uint8Array): Cell {
  if (typeof value === 'bigint') return { $integer: value.toString() }
  if (value instanceof Uint8Array) return { $blob: value.toBase64() }
  return value
}
