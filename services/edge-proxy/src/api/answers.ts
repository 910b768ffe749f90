import { EdgeBackend } from '@corroport/contracts'
import { Type } from 'typebox'

const Id = Type.String({ minLength: 1, maxLength: 128 })

/** Body of a registration. What is left out is as in a row of the table that leaves it out. */
export const RegisterRequest = Type.Object({
  id: Type.String(),
  app: Type.String(),
  region: Type.String(),
  ip: Type.String(),
  port: Type.Integer(),
  country: Type.Optional(Type.String()),
  weight: Type.Optional(Type.Integer()),
  soft_limit: Type.Optional(Type.Integer()),
  hard_limit: Type.Optional(Type.Integer()),
})

export const RegisterReply = Type.Object({
  id: Id,
  registered: Type.Literal(true),
  message: Type.String(),
})

export const HeartbeatReply = Type.Object({ id: Id, status: Type.Literal('ok') })

export const RemoveReply = Type.Object({ id: Id, deregistered: Type.Literal(true) })

export const BackendList = Type.Object({
  backends: Type.Array(EdgeBackend),
  total: Type.Integer(),
})

export const HealthReply = Type.Object({
  status: Type.Enum(['ok', 'degraded']),
  version: Type.String(),
  registered_backends: Type.Integer({ description: 'rows that route or may route again' }),
  set_aside: Type.Integer({ description: 'rows that are wrong in themselves' }),
  table: Type.Object({
    state: Type.String(),
    age_secs: Type.Union([Type.Number(), Type.Null()], {
      description: 'since it was in step with the agent; null: never yet',
    }),
  }),
  connections: Type.Integer(),
})
