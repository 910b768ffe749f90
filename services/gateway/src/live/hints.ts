import type { Bus } from '@corroport/bus'
import {
  backendMoved,
  buildControllerAnnounced,
  edgeAnnounced,
  experimentProgressed,
  nodeAnnounced,
  routeDecided,
} from '@corroport/contracts'

const gatheredMs = 250

/** Hears what is shown of hints: of each subject the latest, at most four times a second. */
export function hearHints(
  bus: Bus,
  show: (subject: string, payload: unknown) => void,
): AsyncDisposable {
  const latest = new Map<string, unknown>()
  let gathering: NodeJS.Timeout | undefined
  const hold = (subject: string, payload: unknown): void => {
    latest.set(subject, payload)
    gathering ??= setTimeout(() => {
      gathering = undefined
      for (const [each, value] of latest) show(each, value)
      latest.clear()
    }, gatheredMs)
  }
  const hearing = [
    bus.hear(nodeAnnounced, (payload) => hold(nodeAnnounced.subject(payload), payload)),
    bus.hear(experimentProgressed, (payload) =>
      hold(experimentProgressed.subject(payload), payload),
    ),
    bus.hear(edgeAnnounced, (payload) => hold(edgeAnnounced.subject(payload), payload)),
    bus.hear(backendMoved, (payload) => hold(backendMoved.subject(payload), payload)),
    bus.hear(buildControllerAnnounced, (payload) =>
      hold(buildControllerAnnounced.subject(payload), payload),
    ),
    bus.hear(routeDecided, (payload) => hold(routeDecided.subject(payload), payload)),
  ]
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(hearing.map((each) => each[Symbol.asyncDispose]()))
      clearTimeout(gathering)
    },
  }
}
