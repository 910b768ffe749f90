import { type Static, Type } from 'typebox'
import {
  buildControllerAnnounced,
  buildLogQueried,
  buildQueried,
  buildSteered,
  buildsQueried,
  buildThroughputQueried,
  buildWorkerSteered,
  buildWorkersQueried,
} from './build.ts'
import { answered } from './http.ts'
import { Presence } from './node.ts'
import { Timestamp } from './timestamp.ts'

/** `GET /api/builds/controllers`: those that were heard, by id. */
export const BuildControllersReply = Type.Object({
  controllers: Type.Array(
    Type.Object({
      ...buildControllerAnnounced.schema.properties,
      presence: Presence,
      heardAt: Timestamp,
    }),
  ),
  ...answered,
})
export type BuildControllersReply = Static<typeof BuildControllersReply>

/** `GET /api/builds?status=&platform=&worker=&after=&limit=`, newest first. */
export const BuildsReply = Type.Object({ ...buildsQueried.reply.properties, ...answered })
export type BuildsReply = Static<typeof BuildsReply>

/** `GET /api/builds/{id}`. */
export const BuildReply = Type.Object({ ...buildQueried.reply.properties, ...answered })
export type BuildReply = Static<typeof BuildReply>

/** `GET /api/builds/{id}/log?after=&limit=`. */
export const BuildLogReply = Type.Object({ ...buildLogQueried.reply.properties, ...answered })
export type BuildLogReply = Static<typeof BuildLogReply>

/** `GET /api/builds/workers`. */
export const BuildWorkersReply = Type.Object({
  ...buildWorkersQueried.reply.properties,
  ...answered,
})
export type BuildWorkersReply = Static<typeof BuildWorkersReply>

/** `GET /api/builds/throughput?hours=`. */
export const BuildThroughputReply = Type.Object({
  ...buildThroughputQueried.reply.properties,
  ...answered,
})
export type BuildThroughputReply = Static<typeof BuildThroughputReply>

/** `POST /api/builds/{id}/cancel` and `/retry`. */
export const BuildSteeredReply = Type.Object({ ...buildSteered.reply.properties, ...answered })
export type BuildSteeredReply = Static<typeof BuildSteeredReply>

/** `POST /api/builds/workers/{id}/drain` and `/resume`. */
export const BuildWorkerSteeredReply = Type.Object({
  ...buildWorkerSteered.reply.properties,
  ...answered,
})
