import { type Static, Type } from 'typebox'
import {
  EdgeBackend,
  edgeAnnounced,
  edgeBackendsQueried,
  edgeDecisionsQueried,
  edgeRouteExplained,
} from './edge.ts'
import { answered } from './http.ts'
import { Presence } from './node.ts'
import { Timestamp } from './timestamp.ts'

/** `GET /api/edge`: points of presence that were heard, by id. */
export const EdgesReply = Type.Object({
  edges: Type.Array(
    Type.Object({
      ...edgeAnnounced.schema.properties,
      presence: Presence,
      heardAt: Timestamp,
    }),
  ),
  ...answered,
})
export type EdgesReply = Static<typeof EdgesReply>

/** `GET /api/edge/{id}/backends?app=&after=&limit=`. */
export const EdgeBackendsReply = Type.Object({
  ...edgeBackendsQueried.reply.properties,
  ...answered,
})
export type EdgeBackendsReply = Static<typeof EdgeBackendsReply>

/** `GET /api/edge/{id}/why?client=&app=&without=`. */
export const EdgeWhyReply = Type.Object({ ...edgeRouteExplained.reply.properties, ...answered })
export type EdgeWhyReply = Static<typeof EdgeWhyReply>

/** `GET /api/edge/{id}/decisions?limit=`. */
export const EdgeDecisionsReply = Type.Object({
  ...edgeDecisionsQueried.reply.properties,
  ...answered,
})
export type EdgeDecisionsReply = Static<typeof EdgeDecisionsReply>

/** `POST` and `PATCH /api/edge/backends/{id}`. */
export const EdgeBackendReply = Type.Object({ backend: EdgeBackend, ...answered })
export type EdgeBackendReply = Static<typeof EdgeBackendReply>

/** `DELETE /api/edge/backends/{id}`. */
export const EdgeRemovedReply = Type.Object({ id: Type.String(), ...answered })
