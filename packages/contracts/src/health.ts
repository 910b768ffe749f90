import { type Static, Type } from 'typebox'

/** One thing a process depends on. */
export const HealthCheck = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String()),
})
export type HealthCheck = Static<typeof HealthCheck>

/** Answer of `/health/live`, `/health/ready`, `/health/startup` and `/health`. */
export const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
  service: Type.String(),
  nodeId: Type.Optional(Type.String()),
  checks: Type.Array(HealthCheck),
})
export type Health = Static<typeof Health>
