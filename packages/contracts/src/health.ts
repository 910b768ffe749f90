import { type Static, Type } from 'typebox'

/** One thing a process depends on. */
export const HealthCheck = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String()),
})
export type HealthCheck = Static<typeof HealthCheck>

const about = {
  service: Type.String(),
  nodeId: Type.Optional(Type.String()),
  checks: Type.Array(HealthCheck),
}

/** Answer of `/health/live`, `/health/ready` and `/health/startup`: 200, or 503 when unavailable. */
export const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
  ...about,
})
export type Health = Static<typeof Health>

/** Answer of `/health`: 200, or 503 on an error. */
export const HealthSummary = Type.Object({
  status: Type.Union([
    Type.Literal('ok'),
    Type.Literal('degraded', { description: 'work is taken, but something that helps is away' }),
    Type.Literal('error', { description: 'no work is taken' }),
  ]),
  ...about,
})
export type HealthSummary = Static<typeof HealthSummary>
