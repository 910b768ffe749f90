import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'
import { findProcess, sendSignal, writePidFile } from '@corroport/node-process/process-ref.ts'
import { lastLogLine } from './log-lines.ts'
import type { Register } from './register.ts'

export interface PartDefinition {
  /** Also the name of its log. */
  name: string
  command: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  logPath: string
  /**
   * Names the process while it runs, for who may end it: an orderly end is followed by a start at
   * once, but not while there is a file `<pidFile>.hold`.
   */
  pidFile?: string
  /** Whose process it is; ours without them. */
  uid?: number
  gid?: number
  stopRank: number
  /** SIGTERM, unless something else is an orderly end. */
  stopSignal?: 'SIGINT'
  stopDeadlineMs: number
  /** Why it is not ready yet; undefined when it is. May throw instead. */
  look(signal: AbortSignal): Promise<string | undefined>
}

export interface PartDeps {
  register: Register
  say(line: string): void
}

const firstDelayMs = 200
const longestDelayMs = 10_000
const steadyAfterMs = 30_000
// One that ends sooner, in order or not, is not started again at once: it might for ever.
const orderlyAfterMs = 1000
const lookEveryMs = 50
const lookDeadlineMs = 5000

/** How long to wait before the start that follows `failures` quick ends in a row. */
export function restartDelayMs(failures: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1))
}

/** A child process that comes back when it ends, until it is told to stay away. */
export class Part {
  readonly definition: PartDefinition
  readonly #deps: PartDeps
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #isWanted = false
  #isReady = false
  #reason = 'not started'
  #failures = 0
  #delay = new AbortController()

  constructor(definition: PartDefinition, deps: PartDeps) {
    this.definition = definition
    this.#deps = deps
  }

  get name(): string {
    return this.definition.name
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Why it is not ready; undefined when it was at the last look. */
  get waitingFor(): string | undefined {
    return this.#isReady || this.#isAwayOnPurpose ? undefined : this.#reason
  }

  /** Starts it, unless it runs. It is restarted from now on whenever it ends by itself. */
  start(): void {
    this.#isWanted = true
    this.#delay.abort()
    if (!this.#child) this.#spawnUnlessHeld()
  }

  /** Resolves when the process that runs, or the next one, is ready. */
  async ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#isAwayOnPurpose) return
      // Also one that was ready before: it may not be now.
      const child = this.#child
      const reason = child && (await this.#look(signal))
      if (child && child === this.#child && !signal.aborted) {
        this.#isReady = reason === undefined
        if (reason === undefined) return
        this.#reason = reason
      }
      await wait(lookEveryMs, undefined, { signal })
    }
  }

  /** Sends the signal and resolves when the process has ended. It stays away until `start`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#isWanted = false
    this.#delay.abort()
    if (this.#child?.pid !== undefined) sendSignal(-this.#child.pid, signal)
    await this.#exited
  }

  /** Ends it in order, and by SIGKILL at its deadline. It stays away until `start`. */
  async stop(): Promise<void> {
    const { stopDeadlineMs, stopSignal = 'SIGTERM' } = this.definition
    const deadline = setTimeout(() => {
      this.#deps.say(`${this.name} did not end in ${stopDeadlineMs / 1000} s and is killed`)
      void this.kill('SIGKILL')
    }, stopDeadlineMs)
    await this.kill(stopSignal)
    clearTimeout(deadline)
  }

  get #isAwayOnPurpose(): boolean {
    return this.#child === undefined && this.#isWanted && this.#isHeld
  }

  get #isHeld(): boolean {
    const { pidFile } = this.definition
    return pidFile !== undefined && existsSync(`${pidFile}.hold`)
  }

  #spawnUnlessHeld(): void {
    if (this.#isHeld) void this.#spawnWhenReleased()
    else this.#spawn()
  }

  async #spawnWhenReleased(): Promise<void> {
    this.#reason = 'held'
    this.#delay = new AbortController()
    const { signal } = this.#delay
    while (this.#isHeld) {
      await wait(lookEveryMs, undefined, { signal }).catch(() => undefined) // seen in the next line
      if (signal.aborted) return
    }
    this.#spawn()
  }

  #spawn(): void {
    const { command, args, cwd, env, uid, gid, logPath, pidFile } = this.definition
    const { name, stopRank, stopSignal, stopDeadlineMs } = this.definition
    const log = openSync(logPath, 'a')
    const child = spawn(command, args, {
      cwd,
      // A group of its own, so that Ctrl-C in a terminal reaches the supervisor only.
      detached: true,
      env,
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    const { pid } = child
    const running = pid === undefined ? undefined : findProcess(pid)
    if (running) {
      const ending = { stopRank, stopDeadlineMs, ...(stopSignal && { stopSignal }) }
      this.#deps.register.add({ name, ...ending, ...running })
    }
    if (running && pidFile !== undefined) writePidFile(pidFile, running)

    const startedAt = performance.now()
    const ended = new AbortController()
    this.#child = child
    this.#isReady = false
    this.#reason = 'starting'
    this.#exited = new Promise((resolve) => {
      const onEnd = (how: string): void => {
        // A program that cannot be started tells an error, and on some systems its exit as well.
        if (this.#child !== child) return
        this.#child = undefined
        this.#isReady = false
        this.#reason = how
        ended.abort()
        if (pid !== undefined) this.#deps.register.remove(pid)
        if (pidFile !== undefined) rmSync(pidFile, { force: true })
        resolve()
        if (this.#isWanted) void this.#startAgain(how, performance.now() - startedAt)
      }
      child.once('exit', (code, signal) => onEnd(signal ?? `code ${code}`))
      child.once('error', (error) => onEnd(error.message))
    })
    void this.#becomeReady(ended.signal)
  }

  async #becomeReady(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const reason = await this.#look(ended)
      if (ended.aborted) return
      if (reason === undefined) {
        this.#isReady = true
        return
      }
      this.#reason = reason
      await wait(lookEveryMs, undefined, { signal: ended }).catch(() => undefined) // it has ended
    }
  }

  async #look(signal: AbortSignal): Promise<string | undefined> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(lookDeadlineMs)])
    try {
      return await this.definition.look(deadline)
    } catch (error) {
      return messageOf(error)
    }
  }

  async #startAgain(how: string, ranForMs: number): Promise<void> {
    // Somebody ended it who may: not a crash.
    if (how === 'code 0' && this.definition.pidFile !== undefined && ranForMs > orderlyAfterMs) {
      this.#spawnUnlessHeld()
      return
    }
    this.#failures = ranForMs > steadyAfterMs ? 1 : this.#failures + 1
    const delayMs = restartDelayMs(this.#failures)
    const detail = this.#failures > 1 ? `: ${lastLogLine(this.definition.logPath)}` : ''
    this.#deps.say(`${this.name} ended with ${how}, starting it again in ${delayMs} ms${detail}`)
    this.#delay = new AbortController()
    try {
      await wait(delayMs, undefined, { signal: this.#delay.signal })
    } catch {
      return // started, killed or stopped by hand meanwhile
    }
    this.#spawnUnlessHeld()
  }
}
