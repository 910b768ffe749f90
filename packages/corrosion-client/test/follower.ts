import { once } from 'node:events'
import {
  type CorrosionClient,
  createMemoryShadow,
  type Follow,
  type FollowEvent,
  type FollowOptions,
  follow,
  type MemoryShadow,
  type ObservedRow,
  type SubscriptionCursor,
} from '../src/index.ts'

export interface Follower extends AsyncDisposable {
  follow: Follow
  events: FollowEvent[]
  rows: ObservedRow[]
  shadow: MemoryShadow
  cursor: () => SubscriptionCursor | undefined
  /** Resolves as soon as the claim holds; it is looked at after each event. */
  until(claim: () => boolean): Promise<void>
}

const deadlineMs = 45_000

/** Follows a table as a caller should: commits each event before it asks for the next. */
export function startFollower(
  client: CorrosionClient,
  options: Partial<FollowOptions> & { shadow?: MemoryShadow; slow?: () => Promise<void> } = {},
): Follower {
  const { shadow = createMemoryShadow(), slow } = options
  const stop = new AbortController()
  const events: FollowEvent[] = []
  const rows: ObservedRow[] = []
  const heard = new EventTarget()
  let cursor = options.cursor
  const following = follow(client, {
    table: 'node_messages',
    ...options,
    shadow,
    signal: stop.signal,
  })
  const run = async () => {
    for await (const event of following) {
      if (event.kind === 'rows') {
        await slow?.()
        shadow.apply(event.rows)
        rows.push(...event.rows)
        cursor = event.cursor ?? cursor
      }
      events.push(event)
      heard.dispatchEvent(new Event('event'))
    }
  }
  const over = run()
  return {
    follow: following,
    events,
    rows,
    shadow,
    cursor: () => cursor,
    async until(claim) {
      const signal = AbortSignal.timeout(deadlineMs)
      while (!claim()) {
        await Promise.race([once(heard, 'event', { signal }), over]).catch((error: unknown) => {
          const last = events.filter(({ kind }) => kind !== 'rows' && kind !== 'seconds').slice(-8)
          const seen = `${claim.toString()} after ${rows.length} rows and ${JSON.stringify(last)}`
          throw new Error(`waited in vain for ${seen}`, { cause: error })
        })
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await over
    },
  }
}
