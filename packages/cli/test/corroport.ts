import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const main = join(import.meta.dirname, '../src/main.ts')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Text on standard input; without it, that is empty. */
  input?: string | Uint8Array
  environment?: Readonly<Record<string, string>>
}

/** Runs the command to its end. */
export async function corroport(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

export interface Running extends AsyncDisposable {
  /** The next line of standard output. */
  line(): Promise<string>
  /** The next line of standard error. */
  note(): Promise<string>
  /** Sends a signal, if one is given, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<number | null>
  /** Closes standard output as `head` does. */
  hangUp(): Promise<number | null>
}

/** Starts a command that goes on. */
export function startCorroport(args: readonly string[], options: RunOptions = {}): Running {
  const child = start(args, options)
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('unreachable: both are pipes')
  const lines = createInterface(stdout)[Symbol.asyncIterator]()
  const notes = createInterface(stderr)[Symbol.asyncIterator]()
  const closed = once(child, 'close')
  return {
    line: async () => (await lines.next()).value ?? '',
    note: async () => (await notes.next()).value ?? '',
    async end(signal) {
      if (signal) child.kill(signal)
      await closed
      return child.exitCode
    },
    async hangUp() {
      stdout.destroy()
      await closed
      return child.exitCode
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

function start(
  args: readonly string[],
  { input = '', environment = {} }: RunOptions,
): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], { env: environment, stdio: 'pipe' })
  child.stdin.on('error', () => undefined) // a command that ends without reading it
  child.stdin.end(input)
  return child
}
