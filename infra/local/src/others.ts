import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'

/** Something that others run, and that is made ready once, as soon as it answers. */
export interface OthersPart {
  name: string
  readonly waitingFor: string | undefined
  done: Promise<void>
}

const tryEveryMs = 200

export function applyUntilDone(
  name: string,
  apply: () => Promise<undefined>,
  signal: AbortSignal,
): OthersPart {
  let reason: string | undefined = 'not reached yet'
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        reason = await apply()
        return
      } catch (error) {
        reason = messageOf(error)
      }
      await wait(tryEveryMs, undefined, { signal }).catch(() => undefined) // the loop ends by itself
    }
  }
  return {
    name,
    get waitingFor() {
      return reason
    },
    done: run(),
  }
}
