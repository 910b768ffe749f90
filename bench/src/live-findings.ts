import { type Static, Type } from 'typebox'

const Milliseconds = Type.Number()

/** What the pages of `live.ts` tell it at the end. */
export const LiveFindings = Type.Object({
  pages: Type.Integer(),
  complete: Type.Integer({ description: 'got every event once and in order, and are still open' }),
  latencyMs: Type.Object({
    n: Type.Integer(),
    p50: Milliseconds,
    p95: Milliseconds,
    p99: Milliseconds,
    max: Milliseconds,
  }),
  slowPages: Type.Integer(),
  toldSlowPages: Type.Integer({ description: 'were cut off and found out why' }),
})
export type LiveFindings = Static<typeof LiveFindings>
