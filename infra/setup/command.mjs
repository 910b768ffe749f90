import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'

const tailLines = 20
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a program whose output is shown only when it fails. `onStart` hears the process number,
 * `onLine` each line of output.
 */
export function runCaptured(
  command,
  args,
  { onStart = () => {}, onLine = () => {}, ...options } = {},
) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const tail = []
    const stop = () => child.kill()
    process.once('exit', stop)
    child.once('spawn', () => onStart(child.pid))

    const take = (line) => {
      if (line.trim() === '') return
      onLine(line)
      tail.push(line.trimEnd())
      if (tail.length > tailLines) tail.shift()
    }
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        // Progress bars end their lines with a carriage return.
        const lines = (rest + text).split(/[\r\n]+/)
        rest = lines.pop() ?? ''
        lines.forEach(take)
      })
      stream.on('end', () => take(rest))
    }
    child.on('error', (error) => {
      process.off('exit', stop)
      reject(new Error(`cannot run ${command}`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      process.off('exit', stop)
      if (code === 0) resolve()
      else
        reject(new Error(`${command} ${args[0]} ended with ${signal ?? code}:\n${tail.join('\n')}`))
    })
  })
}

/** Ends this process at a signal in the ordinary way, so that locks and children go with it. */
export function exitAtSignal() {
  for (const signal of stopSignals) process.on(signal, exitBySignal)
  return () => {
    for (const signal of stopSignals) process.off(signal, exitBySignal)
  }
}

function exitBySignal(signal) {
  process.exit(128 + constants.signals[signal])
}

/** Runs a program in this one's place; resolves with its exit code. `onStart` gets the child. */
export function runInPlace(command, args, { onStart = () => {}, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit' })
    onStart(child)
    // A terminal sends Ctrl-C and hang-up to the child as well; passed on, they would arrive twice,
    // and a second Ctrl-C means "at once".
    const isTerminal = [0, 1, 2].some((fd) => isatty(fd))
    const forward = (signal) => {
      if (signal === 'SIGTERM' || !isTerminal) child.kill(signal)
    }
    for (const signal of stopSignals) process.on(signal, forward)
    child.on('error', (error) => reject(new Error(`cannot run ${command}`, { cause: error })))
    child.on('close', (code, signal) => {
      for (const name of stopSignals) process.off(name, forward)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}
