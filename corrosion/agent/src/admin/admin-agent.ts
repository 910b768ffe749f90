import type { Gossip } from '../gossip/gossip.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Streams } from '../streams/streams.ts'

/** What the admin socket shows and changes. */
export interface AdminAgent {
  store: Store
  gossip: Gossip
  streams: Pick<Streams, 'list' | 'info'>
  /** Applies the schema files again. */
  reload: () => Promise<void>
  log: Log
}

/** One frame of an answer, less the last one. */
export type AnswerFrame =
  | { Log: { level: 'debug' | 'info'; msg: string; ts: readonly number[] } }
  | { Json: unknown }

export type Answer = (agent: AdminAgent) => Iterable<AnswerFrame> | AsyncIterable<AnswerFrame>

/** What was asked for cannot be; the message is Corrosion's. The connection goes on. */
export class RefusedError extends Error {
  override name = 'RefusedError'
}

export function say(msg: string, level: 'debug' | 'info' = 'info'): AnswerFrame {
  return { Log: { level, msg, ts: offsetDateTime(Date.now()) } }
}

/** As Rust's `time::OffsetDateTime` is written: year, day of the year, time, offset of UTC. */
function offsetDateTime(unixMs: number): readonly number[] {
  const at = new Date(unixMs)
  const year = at.getUTCFullYear()
  const day = Math.floor((unixMs - Date.UTC(year, 0)) / 86_400_000) + 1
  const nanoseconds = at.getUTCMilliseconds() * 1_000_000
  return [year, day, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), nanoseconds, 0, 0, 0]
}
