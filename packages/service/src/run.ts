import type { Logger } from 'pino'

// Shorter than the 30 s after which Kubernetes kills.
const stopDeadlineMs = 10_000

/** Resolves at SIGTERM or SIGINT. A second signal, or a stop that hangs, ends the process with 1. */
export function stopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        log.fatal({ signal }, 'stopped twice')
        process.exit(1)
      }
      isStopping = true
      log.info({ signal }, 'stopping')
      setTimeout(() => {
        log.fatal({ deadlineMs: stopDeadlineMs }, 'stop took too long')
        process.exit(1)
      }, stopDeadlineMs).unref()
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
