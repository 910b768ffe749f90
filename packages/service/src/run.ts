import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { adviceFor } from './advice.ts'

// Without a delay well within the 30 s after which Kubernetes kills by default.
const usualDeadlineMs = 10_000

/**
 * Calls `onSignal` at SIGTERM or SIGINT and resolves `delayMs` later. A second signal, or a stop that
 * hangs after the delay, ends the process with 1.
 */
export function stopSignal(
  log: Logger,
  {
    delayMs = 0,
    deadlineMs = usualDeadlineMs,
    onSignal,
  }: { delayMs?: number; deadlineMs?: number; onSignal?: () => void } = {},
): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    const stop = async (signal: NodeJS.Signals): Promise<void> => {
      if (isStopping) {
        log.fatal({ signal }, 'stopped twice')
        process.exit(1)
      }
      isStopping = true
      log.info({ signal, delayMs }, 'stopping')
      onSignal?.()
      if (delayMs > 0) await wait(delayMs)
      setTimeout(() => {
        log.fatal({ deadlineMs }, 'stop took too long')
        process.exit(1)
      }, deadlineMs).unref()
      resolve()
    }
    process.on('SIGTERM', (signal) => void stop(signal))
    process.on('SIGINT', (signal) => void stop(signal))
  })
}

/** A failure that nobody handled is one line, with what to do about it, and ends the process with 1. */
export async function runOrSayWhy(
  log: Logger,
  environment: NodeJS.ProcessEnv,
  run: () => Promise<void>,
): Promise<void> {
  const fail = (err: unknown): void => {
    log.fatal({ err, advice: adviceFor(err, environment) }, 'failed')
    process.exitCode = 1
  }
  process.on('uncaughtException', (err) => {
    fail(err)
    process.exit()
  })
  await run().catch(fail)
}
