import { setTimeout as wait } from 'node:timers/promises'
import { messageOf, RefusalError, type StateFile } from '@corroport/bus'
import type { CorrosionClient } from '@corroport/corrosion-client'
import { isRunning, type ProcessRef } from '@corroport/node-process/process-ref.ts'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import type { AgentProcess } from './agent-process.ts'
import { AgentEndedError, answerQuery, openSubscription, tryUntil } from './agent-readiness.ts'
import type { AgentControlSettings } from './agent-settings.ts'
import { type AgentWatch, watchAgent } from './agent-watch.ts'
import { createAgentProcess } from './create-agent-process.ts'
import { lastLogLines } from './log-tail.ts'
import { createRestartRecord, type RestartRecord } from './restart-record.ts'

/** How starting an agent went. `stepsMs`: `stop` (restart only), `start`, `http`, `subscription`. */
export type StartOutcome =
  | {
      ok: true
      restartId: string
      stepsMs: Record<string, number>
      /** It did not end by itself in time; it has forgotten its subscriptions. */
      wasKilled: boolean
    }
  | { ok: false; restartId: string; reason: string; lastLogLines: string[] }

export type StopOutcome =
  | { ok: true; stopMs: number; wasKilled: boolean }
  | { ok: false; reason: string }

/** What is told while it goes on: `stop`, `start`, `http`, `subscription`. */
export type OnStep = (step: string) => void

/** `restarting`: away, and it is seen to. `failed`: it did not come back, and is tried again. */
export type AgentPhase = 'running' | 'restarting' | 'failed' | 'held'

/** The process of this node's agent. Calls wait for each other; lifecycle events are told by it. */
export interface AgentControl extends AsyncDisposable {
  /** Undefined while it is away, or where nothing tells it. */
  readonly pid: number | undefined
  /** It was stopped by `stop` and stays away until `start`, also over a restart of this process. */
  readonly isHeld: boolean
  readonly phase: AgentPhase
  /** Why nothing can be stopped or started here, and what to set; each call throws it. */
  readonly refusal: string | undefined
  restart(reason: string, onStep?: OnStep): Promise<StartOutcome>
  stop(reason: string): Promise<StopOutcome>
  start(reason: string, onStep?: OnStep): Promise<StartOutcome>
}

export interface AgentControlDeps {
  nodeId: string
  stateDir: string
  state: StateFile
  client: CorrosionClient
  health: Health
  log: Logger
}

const logLinesOfFailure = 20
// A restart fits in; a service has 10 s for its own end.
const lastMomentMs = 7000
const lookAtHeldEveryMs = 1000
const refusal =
  'this node does not know who restarts its agent: set AGENT_CONTROL to pipe, command, signal or child'

/** Begins to watch the agent, and ends what a killed process had begun with it. */
export function createAgentControl(
  settings: AgentControlSettings,
  deps: AgentControlDeps,
): AgentControl {
  const process = createAgentProcess(settings, deps.stateDir)
  return process ? new ControlledAgent(settings, process, deps) : uncontrolledAgent()
}

function uncontrolledAgent(): AgentControl {
  const refuse = () => Promise.reject(new RefusalError('unavailable', refusal))
  return {
    pid: undefined,
    isHeld: false,
    phase: 'running',
    refusal,
    restart: refuse,
    stop: refuse,
    start: refuse,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

class ControlledAgent implements AgentControl {
  readonly refusal = undefined
  readonly #settings: AgentControlSettings
  readonly #process: AgentProcess
  readonly #deps: AgentControlDeps
  readonly #record: RestartRecord
  readonly #stopping = new AbortController()
  readonly #watch: AgentWatch
  /** The last call; the next waits for it. */
  #last: Promise<unknown> = Promise.resolve()
  #calls = 0
  /** Of these, those that are not of the watch. */
  #asked = 0
  /** The process that was seen last. */
  #known: ProcessRef | undefined

  constructor(settings: AgentControlSettings, process: AgentProcess, deps: AgentControlDeps) {
    this.#settings = settings
    this.#process = process
    this.#deps = deps
    this.#record = createRestartRecord(deps.nodeId, deps.state)
    const { client, log, health } = deps
    this.#watch = watchAgent({
      client,
      process,
      log,
      startTimeoutMs: settings.startTimeoutMs,
      known: () => this.#known,
      onFound: (found) => {
        this.#known = found
      },
      isLeftAlone: () => this.isHeld || this.#calls > 0,
      isAway: () => this.#record.restartId !== undefined,
      onAway: (reason) => {
        const restartId = this.#record.begin(reason, false)
        log.warn({ restartId, reason }, 'agent is away')
      },
      recover: (isThere) => this.#recover(isThere),
    })
    health.depend('agent process', () => this.#describe(), 'helps')
    if (this.isHeld) void this.#keepAway()
  }

  get pid(): number | undefined {
    return this.#known && isRunning(this.#known) ? this.#known.pid : undefined
  }

  get isHeld(): boolean {
    return this.#record.isHeld
  }

  get phase(): AgentPhase {
    if (this.isHeld) return 'held'
    if (this.#record.restartId === undefined) return 'running'
    return this.#record.hasFailed ? 'failed' : 'restarting'
  }

  restart(reason: string, onStep: OnStep = () => undefined): Promise<StartOutcome> {
    return this.#ask(async () => {
      const restartId = this.#record.begin(reason, false)
      this.#deps.log.info({ restartId, reason }, 'agent restarting')
      onStep('stop')
      const stopped = await this.#stop(false)
      if (!stopped.ok) return this.#failed(restartId, stopped.reason)
      const { wasKilled, stopMs } = stopped
      return await this.#start(restartId, { stepsMs: { stop: stopMs }, wasKilled, onStep })
    })
  }

  stop(reason: string): Promise<StopOutcome> {
    return this.#ask(async () => {
      const restartId = this.#record.begin(reason, true)
      this.#deps.log.info({ restartId, reason }, 'agent stopping')
      const stopped = await this.#stop(true)
      if (!stopped.ok) {
        this.#record.release()
        this.#failed(restartId, stopped.reason)
      }
      return stopped
    })
  }

  start(reason: string, onStep: OnStep = () => undefined): Promise<StartOutcome> {
    return this.#ask(() => {
      const restartId = this.#record.begin(reason, false)
      this.#deps.log.info({ restartId, reason }, 'agent starting')
      return this.#start(restartId, { stepsMs: {}, wasKilled: false, onStep })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#asked > 0) {
      // Else the agent stays away for as long as this process does.
      const over = new AbortController()
      const deadline = wait(lastMomentMs, undefined, { signal: over.signal })
      await Promise.race([this.#last, deadline])
      over.abort()
      await deadline.catch(() => undefined) // that it was given up
    }
    // What is under way still is left to the next process, which finds it in the state file.
    this.#stopping.abort()
    await this.#watch[Symbol.asyncDispose]()
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    this.#asked += 1
    try {
      return await this.#inTurn(work)
    } finally {
      this.#asked -= 1
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#calls += 1
    const turn = this.#last.then(() => {
      this.#stopping.signal.throwIfAborted()
      return work()
    })
    const over = (): void => {
      this.#calls -= 1
    }
    this.#last = turn.then(over, over)
    return turn
  }

  #describe(): { ok: boolean; detail: string } {
    const { phase, pid } = this
    const { complaint } = this.#watch
    const who = pid === undefined ? [] : [`pid ${pid}`]
    const detail = [phase, ...who, ...(complaint === undefined ? [] : [complaint])].join(', ')
    return { ok: phase === 'running' && complaint === undefined, detail }
  }

  /** One attempt, where the agent ended by itself or a killed process of ours left it away. */
  async #recover(isThere: boolean): Promise<void> {
    const { restartId } = this.#record
    if (restartId === undefined) throw new Error('unreachable: nobody is told that it is away')
    const onStep = () => undefined
    const soFar = { stepsMs: {}, wasKilled: false, isThere, onStep }
    await this.#inTurn(() => this.#start(restartId, soFar))
  }

  /**
   * It runs although it is held: stopping it was not finished, or its supervisor began anew, perhaps
   * after this process.
   */
  async #keepAway(): Promise<void> {
    const { signal } = this.#stopping
    while (this.isHeld && !signal.aborted) {
      try {
        await this.#inTurn(() => this.#endHeld())
      } catch (err) {
        if (!signal.aborted) this.#deps.log.error({ err }, 'agent not held')
      }
      if (!this.#process.isStartedByOthers) return
      await wait(lookAtHeldEveryMs, undefined, { signal }).catch(() => undefined) // seen above
    }
  }

  async #endHeld(): Promise<void> {
    if (!this.isHeld || (await this.#process.find()) === 'stopped') return
    this.#deps.log.warn('agent runs and is to be held, stopping it')
    const stopped = await this.#stop(true)
    if (!stopped.ok) throw new Error(stopped.reason)
  }

  async #stop(isHeld: boolean): Promise<StopOutcome> {
    const startedAt = performance.now()
    try {
      const { wasKilled } = await this.#process.stop(isHeld)
      if (wasKilled) this.#deps.log.warn('agent was killed, it has forgotten its subscriptions')
      this.#known = undefined
      return { ok: true, stopMs: Math.round(performance.now() - startedAt), wasKilled }
    } catch (error) {
      return { ok: false, reason: messageOf(error) }
    }
  }

  async #start(
    restartId: string,
    { stepsMs, wasKilled, isThere, onStep }: StartSoFar,
  ): Promise<StartOutcome> {
    const deadline = AbortSignal.timeout(this.#settings.startTimeoutMs)
    const signal = AbortSignal.any([this.#stopping.signal, deadline])
    let step = 'start'
    const measure = async (name: string, work: () => Promise<void>): Promise<void> => {
      step = name
      onStep(name)
      const startedAt = performance.now()
      await work()
      stepsMs[name] = Math.round(performance.now() - startedAt)
    }
    const { client } = this.#deps
    if (this.#known && !isRunning(this.#known)) this.#known = undefined
    this.#stopping.signal.throwIfAborted()
    try {
      if (!isThere) await measure('start', () => this.#process.start())
      const requireProcess = this.#createProcessCheck()
      const until = (attempt: (number: number) => Promise<void>) =>
        tryUntil(attempt, requireProcess, signal)
      await measure('http', () => until(() => answerQuery(client, signal)))
      await measure('subscription', () =>
        until((number) => openSubscription(client, number, signal)),
      )
    } catch (error) {
      // Not its failure: the next process goes on with it.
      this.#stopping.signal.throwIfAborted()
      const reason = deadline.aborted
        ? `no ${step} in ${this.#settings.startTimeoutMs / 1000} s: ${messageOf(error)}`
        : messageOf(error)
      return this.#failed(restartId, reason)
    }
    this.#record.ready(stepsMs)
    this.#deps.log.info({ restartId, stepsMs, pid: this.pid }, 'agent ready')
    return { ok: true, restartId, stepsMs, wasKilled }
  }

  /** Throws once the process is seen to have ended. */
  #createProcessCheck(): () => Promise<void> {
    // Asking once more may cost a process each time.
    let isInvisible = false
    return async () => {
      if (this.#known && !isRunning(this.#known)) throw new AgentEndedError()
      if (this.#known || isInvisible) return
      // Where nothing tells, its answers have to do.
      const found = await this.#process.find().catch(() => 'running' as const)
      if (found === 'stopped' && !this.#process.isStartedByOthers) throw new AgentEndedError()
      isInvisible = found === 'running'
      if (typeof found === 'object') this.#known = found
    }
  }

  #failed(restartId: string, reason: string): StartOutcome {
    const { logPath } = this.#settings
    const lines = logPath === undefined ? [] : lastLogLines(logPath, logLinesOfFailure)
    if (this.#record.hasFailed) {
      this.#deps.log.warn({ restartId, reason }, 'agent is still away, it is tried again')
    } else {
      this.#deps.log.error({ restartId, reason }, 'agent did not come back')
      this.#record.failed(reason, lines)
    }
    return { ok: false, restartId, reason, lastLogLines: lines }
  }
}

interface StartSoFar {
  stepsMs: Record<string, number>
  wasKilled: boolean
  /** It need not be started. */
  isThere?: boolean
  onStep: OnStep
}
