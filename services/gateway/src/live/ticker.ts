/** Does `work` soon after it was asked for: at once after a pause, else once for all that asked in a tick. */
export function createTicker(tickMs: number, work: () => void): Disposable & { ask(): void } {
  let isAsked = false
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Immediate | undefined
  const run = (): void => {
    isAsked = false
    soon = undefined
    timer = setTimeout(() => {
      timer = undefined
      if (isAsked) run()
    }, tickMs)
    work()
  }
  return {
    ask() {
      isAsked = true
      // Behind everything that arrived together with what asked.
      if (timer === undefined) soon ??= setImmediate(run)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      clearImmediate(soon)
    },
  }
}
