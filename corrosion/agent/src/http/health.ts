import { size } from '../gossip/ranges.ts'
import type { Store } from '../store/store.ts'
import { realText } from '../value-text.ts'
import { type Answer, errorBody, json } from './answer.ts'
import type { Call } from './call.ts'
import { float, readQuery, signed64, unsigned16, unsigned64 } from './query-string.ts'

export interface HealthSource {
  /** Alive, without this agent. */
  members(): number
  /** Undefined when nothing came from others in the last minutes. */
  p99LagSeconds(): number | undefined
  /** Changes that wait to be applied. */
  queueSize(): number
}

/** `GET /v1/health`: every parameter but `failure_status` is the most that is healthy. */
export async function answerHealth(
  call: Call,
  { store, health }: { store: Store; health: HealthSource },
): Promise<Answer> {
  const most = { gaps: Infinity, lagSeconds: Infinity, queue: Infinity, slowQueue: -1 }
  let failureStatus = 503
  readQuery(call, {
    gaps(text) {
      most.gaps = signed64(text)
    },
    p99_lag(text) {
      most.lagSeconds = float(text)
    },
    max_queue(text) {
      most.queue = unsigned64(text)
    },
    queue_size(text) {
      most.slowQueue = unsigned64(text)
    },
    failure_status(text) {
      const status = unsigned16(text)
      if (status >= 200 && status <= 999) failureStatus = status
    },
  })
  const lag = health.p99LagSeconds()
  if (lag === undefined) return json(failureStatus, errorBody('no p99 lag information available'))

  const gaps = size([...store.gaps().values()].flat())
  const queueSize = health.queueSize()
  // Lag alone does not count while the queue is short.
  const isSlow = lag > most.lagSeconds && queueSize > most.slowQueue
  return json(
    gaps > most.gaps || queueSize > most.queue || isSlow ? failureStatus : 200,
    `{"response":{"gaps":${gaps},"members":${health.members()},"p99_lag":${realText(lag)},"queue_size":${queueSize}}}`,
  )
}
