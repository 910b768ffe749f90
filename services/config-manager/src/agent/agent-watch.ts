import { setTimeout as wait } from 'node:timers/promises'
import { isVolumeFull } from '@corroport/bus'
import {
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionProtocolError,
  CorrosionResponseError,
} from '@corroport/corrosion-client'
import { isRunning, type ProcessRef } from '@corroport/node-process/process-ref.ts'
import type { Logger } from 'pino'
import type { AgentProcess } from './agent-process.ts'

export interface AgentWatch extends AsyncDisposable {
  /** Of an agent that does not answer and has not ended. */
  readonly complaint: string | undefined
}

/** What is watched, and what is done about it. */
export interface Watched {
  client: CorrosionClient
  process: AgentProcess
  log: Logger
  /** How long an agent of which nothing is known may take to answer for the first time. */
  startTimeoutMs: number
  /** The process that was seen last. */
  known(): ProcessRef | undefined
  onFound(process: ProcessRef): void
  /** Somebody sees to it, or it is to stay away. */
  isLeftAlone(): boolean
  /** Told as away and not yet as back. */
  isAway(): boolean
  onAway(reason: string): void
  /** One attempt to have it back; `isThere`: it answers already. */
  recover(isThere: boolean): Promise<void>
}

const lookEveryMs = 500
const queryTimeoutMs = 900
const hangsAfterMs = 10_000
// Where an agent answers and its process is not seen: to ask may cost a process each time.
const findAgainMs = 10_000
const firstDelayMs = 200
const longestDelayMs = 10_000
const steadyAfterMs = 30_000

/** Looks at the agent twice a second and starts it again when it has ended by itself. */
export function watchAgent(watched: Watched): AgentWatch {
  const { client, process, log } = watched
  const stopping = new AbortController()
  const { signal } = stopping
  const watchedSince = performance.now()
  let hasAnswered = false
  let steadySince: number | undefined
  let silentSince: number | undefined
  let complaint: string | undefined
  let refusals = 0
  let absences = 0
  let attempts = 0
  let nextAttemptAt = 0
  let nextFindAt = 0
  let hasComplainedOfFind = false

  const answered = async (known: ProcessRef | undefined): Promise<void> => {
    hasAnswered = true
    refusals = 0
    absences = 0
    silentSince = undefined
    if (complaint !== undefined) log.info('agent answers again')
    complaint = undefined
    if (!known && performance.now() >= nextFindAt) {
      await find()
      nextFindAt = performance.now() + findAgainMs
    }
    if (watched.isLeftAlone()) return
    if (watched.isAway()) {
      await watched.recover(true)
      return
    }
    steadySince ??= performance.now()
    if (performance.now() - steadySince > steadyAfterMs) attempts = 0
  }

  const find = async (): Promise<'running' | 'stopped' | 'seen'> => {
    try {
      const found = await process.find()
      if (typeof found !== 'object') return found
      watched.onFound(found)
      return 'seen'
    } catch (err) {
      if (!hasComplainedOfFind) log.warn({ err }, 'nothing tells whether the agent runs')
      hasComplainedOfFind = true
      return 'running'
    }
  }

  /** Why an agent that does not answer counts as away; undefined while it may be starting or hang. */
  const whyAway = async (known: ProcessRef | undefined): Promise<string | undefined> => {
    const isDeaf = refusals >= 2
    if (known) return isDeaf && hasAnswered ? 'the agent has stopped listening' : undefined
    const found = await find()
    absences = found === 'stopped' ? absences + 1 : 0
    if (absences >= 2) return 'the agent does not run'
    const isLate = performance.now() - watchedSince > watched.startTimeoutMs
    const isExpected = hasAnswered || watched.isAway() || isLate
    return found === 'running' && isDeaf && isExpected ? 'the agent does not listen' : undefined
  }

  const look = async (): Promise<void> => {
    if (watched.isLeftAlone()) {
      refusals = 0
      absences = 0
      silentSince = undefined
      complaint = undefined
      return
    }
    const known = watched.known()
    let reason: string | undefined
    if (known && !isRunning(known)) reason = 'the agent ended by itself'
    else {
      const outcome = await ask(client, signal)
      if (outcome === 'answers') {
        await answered(known)
        return
      }
      refusals = outcome === 'refuses' ? refusals + 1 : 0
      silentSince ??= performance.now()
      reason = await whyAway(known)
      const silentMs = performance.now() - silentSince
      const mayRun = known ? isRunning(known) : reason === undefined
      if (mayRun && silentMs > hangsAfterMs && complaint === undefined) {
        complaint = 'it does not answer'
        log.warn({ silentMs: Math.round(silentMs), pid: known?.pid }, 'agent does not answer')
      }
    }
    if (reason === undefined || watched.isLeftAlone()) return
    steadySince = undefined
    if (!watched.isAway()) watched.onAway(reason)
    // One that has stopped listening may be on its way out: its end is waited for.
    if (known && isRunning(known)) return
    complaint = undefined
    if (performance.now() < nextAttemptAt) return
    await watched.recover(false)
    nextAttemptAt = performance.now() + delayMs(attempts)
    attempts += 1
  }

  const watching = (async () => {
    while (!signal.aborted) {
      const startedAt = performance.now()
      try {
        await look()
      } catch (err) {
        // Of a full volume its state file has told.
        if (!signal.aborted && !isVolumeFull(err))
          log.error({ err }, 'looking after the agent failed, it goes on')
      }
      const untilLook = startedAt + lookEveryMs - performance.now()
      const untilAttempt = watched.isAway() ? nextAttemptAt - performance.now() : untilLook
      const pause = Math.max(0, Math.min(untilLook, Math.max(untilAttempt, lookEveryMs / 10)))
      await wait(pause, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
    }
  })()

  return {
    get complaint() {
      return complaint
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await watching
    },
  }
}

function delayMs(attempts: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** attempts)
}

async function ask(
  client: CorrosionClient,
  signal: AbortSignal,
): Promise<'answers' | 'refuses' | 'silent'> {
  try {
    await client.query('SELECT 1', { signal, timeoutMs: queryTimeoutMs })
    return 'answers'
  } catch (error) {
    if (error instanceof CorrosionResponseError || error instanceof CorrosionProtocolError) {
      return 'answers'
    }
    const isRefusal = error instanceof CorrosionConnectionError && isRefused(error.cause)
    return isRefusal ? 'refuses' : 'silent'
  }
}

function isRefused(cause: unknown): boolean {
  return Error.isError(cause) && 'code' in cause && cause.code === 'ECONNREFUSED'
}
