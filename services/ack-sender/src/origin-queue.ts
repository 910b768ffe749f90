import { inTrace } from '@corroport/bus'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import type { Confirmations } from './confirmations.ts'
import type { AckMetrics } from './metrics.ts'
import type { Outcome, Post } from './post.ts'
import type { Owed, Receipts } from './receipts.ts'

export interface OriginQueueOptions {
  receipts: Receipts
  confirmations: Confirmations
  directory: Directory
  post: Post
  /** Attempts at once to one origin. */
  concurrency: number
  maxAgeMs: number
  log: Logger
  metrics: AckMetrics
}

// What memory holds for one origin; the rest waits in the state file.
const windowSize = 1000

const firstDelayMs = 200
const longestDelayMs = 15_000

/** Milliseconds until the next attempt; half of it is chance, so that nodes do not come together. */
export function retryDelayMs(failures: number, random = Math.random): number {
  const delayMs = Math.min(firstDelayMs * 2 ** Math.min(failures - 1, 10), longestDelayMs)
  return delayMs * (0.5 + random() / 2)
}

/**
 * What is owed to one announced origin, in the order in which it came to be owed. While the origin
 * cannot be reached there is one probe at a time, each with another acknowledgement, so that
 * neither a dead origin nor one bad acknowledgement holds up the rest.
 */
export class OriginQueue implements AsyncDisposable {
  readonly #originNodeId: string
  readonly #options: OriginQueueOptions
  readonly #attempts = new Map<number, Promise<void>>()
  readonly #delayed = new Set<NodeJS.Timeout>()
  #ready: Owed[] = []
  #lastLoadedId = 0
  #hasMoreInFile = true
  #failures = 0
  #pause: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(originNodeId: string, options: OriginQueueOptions) {
    this.#originNodeId = originNodeId
    this.#options = options
  }

  /** Takes what has just been committed as owed and sends it in this tick if it can. */
  add(owed: Owed): void {
    const held = this.#ready.length + this.#attempts.size + this.#delayed.size
    if (this.#hasMoreInFile || held >= windowSize) {
      this.#hasMoreInFile = true
    } else {
      this.#ready.push(owed)
      this.#lastLoadedId = owed.id
    }
    this.#send()
  }

  /** The origin was heard: what waited for it is tried now. */
  wake(): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
    this.#send()
  }

  isAttempting(owed: Owed): boolean {
    return this.#attempts.has(owed.id)
  }

  #send(): void {
    const { directory, concurrency } = this.#options
    while (
      !this.#isStopped &&
      this.#pause === undefined &&
      this.#attempts.size < (this.#failures > 0 ? 1 : concurrency)
    ) {
      const endpoint = directory.get(this.#originNodeId)?.announcement.endpoints.peer
      const owed = endpoint === undefined ? undefined : this.#next()
      if (endpoint === undefined || owed === undefined) return
      this.#attempts.set(owed.id, this.#attempt(owed, endpoint))
    }
  }

  #next(): Owed | undefined {
    for (;;) {
      const owed = this.#ready.shift()
      // What is too old is left to the sweep, which gives it up.
      if (owed && owed.owedSince >= Date.now() - this.#options.maxAgeMs) return owed
      if (!owed && !this.#load()) return undefined
    }
  }

  #load(): boolean {
    if (!this.#hasMoreInFile) return false
    const room = windowSize - this.#attempts.size - this.#delayed.size
    if (room <= 0) return false
    this.#ready = this.#options.receipts.owedTo(this.#originNodeId, this.#lastLoadedId, room)
    this.#hasMoreInFile = this.#ready.length === room
    this.#lastLoadedId = this.#ready.at(-1)?.id ?? this.#lastLoadedId
    return this.#ready.length > 0
  }

  async #attempt(owed: Owed, endpoint: string): Promise<void> {
    const { post, log, metrics } = this.#options
    const endTimer = metrics.deliverySeconds.startTimer()
    await inTrace(owed.traceparent, async () => {
      const outcome = await post(owed, endpoint)
      endTimer()
      this.#attempts.delete(owed.id)
      try {
        this.#settle(owed, endpoint, outcome)
      } catch (err) {
        log.error({ err, messageId: owed.messageId }, 'outcome not stored, sending again')
        this.#delay(owed)
      }
    })
    this.#send()
  }

  #settle(owed: Owed, endpoint: string, outcome: Outcome): void {
    const { receipts, confirmations, log, metrics } = this.#options
    const { messageId, transport, originNodeId } = owed
    const attempts = owed.attempts + 1
    switch (outcome.kind) {
      case 'confirmed':
        this.#reached()
        confirmations.add({
          owed,
          endpoint,
          sentAt: outcome.sentAt,
          confirmedAt: outcome.answeredAt,
        })
        metrics.sent.inc({ transport })
        log.debug({ messageId, originNodeId, transport, attempts }, 'acknowledged')
        return
      case 'refused':
        this.#reached()
        receipts.giveUp([{ owed, attempts, reason: outcome.reason }])
        metrics.failed.inc({ cause: outcome.cause })
        log.info(
          { messageId, originNodeId, transport, attempts, reason: outcome.reason },
          'acknowledgement refused',
        )
        return
      case 'delayed':
        this.#reached()
        receipts.countAttempt(owed)
        metrics.retries.inc()
        log.warn({ messageId, originNodeId, reason: outcome.reason }, 'acknowledgement delayed')
        this.#delay(owed)
        return
      case 'unreachable':
        receipts.countAttempt(owed)
        metrics.retries.inc()
        this.#ready.push(owed)
        this.#missed(endpoint, outcome.reason)
        return
      default:
        throw new Error(`unreachable: ${JSON.stringify(outcome satisfies never)}`)
    }
  }

  #delay(owed: Owed): void {
    const timer = setTimeout(
      () => {
        this.#delayed.delete(timer)
        this.#ready.push(owed)
        this.#send()
      },
      retryDelayMs(Math.max(owed.attempts, 1)),
    )
    this.#delayed.add(timer)
  }

  #reached(): void {
    if (this.#failures === 0) return
    this.#options.log.info({ originNodeId: this.#originNodeId }, 'origin reached again')
    this.#failures = 0
    clearTimeout(this.#pause)
    this.#pause = undefined
  }

  #missed(endpoint: string, reason: string): void {
    // Of several attempts that fail together the first has said it.
    if (this.#pause !== undefined) return
    const { log } = this.#options
    if (this.#failures === 0) {
      log.warn({ originNodeId: this.#originNodeId, endpoint, reason }, 'origin not reached')
    }
    this.#failures += 1
    this.#pause = setTimeout(() => this.wake(), retryDelayMs(this.#failures))
  }

  /** Lets the attempts that run end; what they do not settle, the next start sends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#attempts.values())
    clearTimeout(this.#pause)
    for (const timer of this.#delayed) clearTimeout(timer)
  }
}
