import { setTimeout as wait } from 'node:timers/promises'
import { listOpenExperiments } from './experiment-rows.ts'
import { type FollowDeps, type Followed, followExperiment } from './follow-experiment.ts'

const lookEveryMs = 1000
const longestRestMs = 60_000

export interface Following extends AsyncDisposable {
  /** Something is due now. */
  wake(): void
}

/** Looks at every open experiment each second; one that is slow holds up no other. */
export function startFollowing(deps: FollowDeps): Following {
  const { db, log } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  const followed = new Map<
    string,
    Followed & { looking?: Promise<void>; failures: number; restsUntil: number }
  >()
  let waking = new AbortController()

  const lookOnce = async (): Promise<void> => {
    const open = new Set(await listOpenExperiments(db))
    for (const [id, { looking }] of followed) if (!open.has(id) && !looking) followed.delete(id)
    for (const id of open) {
      const one = followed.get(id) ?? { ...followExperiment(id, deps), failures: 0, restsUntil: 0 }
      followed.set(id, one)
      if (one.looking || performance.now() < one.restsUntil) continue
      one.looking = one
        .look()
        .then(
          () => {
            one.failures = 0
          },
          (err: unknown) => {
            one.failures += 1
            one.restsUntil =
              performance.now() + Math.min(lookEveryMs * 2 ** one.failures, longestRestMs)
            log.warn(
              { err, experimentId: id },
              'experiment could not be followed, it is tried again',
            )
          },
        )
        .finally(() => {
          delete one.looking
        })
    }
  }

  const running = (async () => {
    while (!signal.aborted) {
      waking = new AbortController()
      try {
        await lookOnce()
      } catch (err) {
        log.warn({ err }, 'experiments could not be looked up, tried again')
      }
      await wait(lookEveryMs, undefined, {
        signal: AbortSignal.any([signal, waking.signal]),
      }).catch(() => undefined) // aborted: woken, or at its end
    }
    await Promise.all([...followed.values()].flatMap(({ looking }) => looking ?? []))
  })()

  return {
    wake: () => waking.abort(),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}
