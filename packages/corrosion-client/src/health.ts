import { asNumber, asObject, asText, isObject, parseObject } from './decode.ts'
import { CorrosionBusyError, CorrosionResponseError } from './errors.ts'
import { agentMessage } from './transport.ts'

/** The most that still counts as healthy. */
export interface HealthThresholds {
  /** Versions known to exist but not held. */
  gaps?: number | undefined
  p99LagSeconds?: number | undefined
  /** Changes waiting to be applied. */
  maxQueue?: number | undefined
  /** The lag counts only when the queue is above this. */
  queueSize?: number | undefined
}

/**
 * `supported: false` from agents without `/v1/health`. `figures` is null from them too, and, with
 * `isHealthy` false, when no remote change came for two minutes: the agent then has no lag to report.
 */
export type Health =
  | { supported: false; figures: null }
  | {
      supported: true
      isHealthy: boolean
      figures: { gaps: number; members: number; p99LagSeconds: number; queueSize: number } | null
    }

export function healthPath(thresholds: HealthThresholds): string {
  const parameters = new URLSearchParams()
  const set = (name: string, value: number | undefined) => {
    if (value !== undefined) parameters.set(name, String(value))
  }
  set('gaps', thresholds.gaps)
  set('p99_lag', thresholds.p99LagSeconds)
  set('max_queue', thresholds.maxQueue)
  set('queue_size', thresholds.queueSize)
  return parameters.size === 0 ? '/v1/health' : `/v1/health?${parameters.toString()}`
}

export function decodeHealth(status: number, body: string): Health {
  if (status === 404) return { supported: false, figures: null }
  if ((status !== 200 && status !== 503) || !body.startsWith('{')) {
    const ErrorClass = status === 503 ? CorrosionBusyError : CorrosionResponseError
    throw new ErrorClass(status, agentMessage(body), 'GET /v1/health')
  }
  const answer = parseObject(body, 'the health')
  if (!isObject(answer.response)) {
    asText(answer.error, 'error')
    return { supported: true, isHealthy: false, figures: null }
  }
  const figures = asObject(answer.response, 'response')
  return {
    supported: true,
    isHealthy: status === 200,
    figures: {
      gaps: asNumber(figures.gaps, 'gaps'),
      members: asNumber(figures.members, 'members'),
      p99LagSeconds: asNumber(figures.p99_lag, 'p99_lag'),
      queueSize: asNumber(figures.queue_size, 'queue_size'),
    },
  }
}
