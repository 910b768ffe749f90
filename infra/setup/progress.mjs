const terminalIntervalMs = 1000
// A log of a CI run needs a sign of life, not a line each second.
const logIntervalMs = 30_000

/** "3:12" */
function formatElapsed(ms) {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** One line that tells what goes on and for how long: rewritten in a terminal, repeated in a log. */
export function startProgress(title, out = process.stderr) {
  const startedAt = Date.now()
  let detail = 'started'

  const line = () => `${title}: ${detail}, ${formatElapsed(Date.now() - startedAt)}`
  const show = () => out.write(out.isTTY ? `\r\x1b[K${line()}` : `${line()}\n`)
  const timer = setInterval(show, out.isTTY ? terminalIntervalMs : logIntervalMs)
  timer.unref()

  return {
    /** A change of step is shown at once, a change of figures with the next tick. */
    step(text) {
      detail = text
      show()
    },
    update(text) {
      detail = text
    },
    end(text) {
      clearInterval(timer)
      detail = text
      out.write(`${out.isTTY ? '\r\x1b[K' : ''}${line()}\n`)
    },
  }
}
