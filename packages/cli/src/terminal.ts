import { createInterface } from 'node:readline/promises'
import { styleText } from 'node:util'
import { maxContentBytes } from '@corroport/contracts'
import { codeOf, type Exit, exitCodes, Failure } from './failure.ts'
import { fit, type Part, printable, textOf, widthOf } from './text.ts'

/** Where a command reads and writes. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Columns; infinite when the output is a file or a pipe, so that nothing is cut there. */
  readonly width: number
  /** One line of the result. */
  print(...parts: Part[]): void
  printJson(value: unknown, layout?: 'line' | 'block'): void
  /** A whole file: as it is, unless a person would see it. */
  printFile(text: string): void
  /** One line beside the result. */
  note(...parts: Part[]): void
  /**
   * How far something is, beside the result: on a terminal one line that the next one replaces;
   * elsewhere a line of its own, and only where `isMilestone`. Nothing ends it. Nothing is said while
   * a person is asked something.
   */
  progress(line: readonly Part[], isMilestone: boolean): void
  /** Standard input as text, less its last newline; undefined when a person sits there. */
  readInput(): Promise<string | undefined>
  /** Undefined when nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>
  /** What is said, or asked and done, when Ctrl-C ends the command from now on. */
  onInterrupt(last: string | (() => Promise<string>)): void
  /** Makes a commander action of a function that returns how it ended. */
  action<Arguments extends unknown[]>(
    work: (...given: Arguments) => Promise<Exit>,
  ): (...given: Arguments) => Promise<void>
}

export function createTerminal({ env, stdin, stdout, stderr }: NodeJS.Process): Terminal {
  let last: string | (() => Promise<string>) | undefined
  let hasProgress = false
  let isAsking = false

  /** A line of progress stays the last one on the screen until something else is said. */
  const clearProgress = (): void => {
    if (hasProgress) stderr.write('\r\u001b[K')
    hasProgress = false
  }
  const print = (...parts: Part[]): void => {
    clearProgress()
    write(stdout, parts)
  }
  const note = (...parts: Part[]): void => {
    clearProgress()
    write(stderr, parts)
  }

  const end = async (): Promise<void> => {
    // A second Ctrl-C asks nothing.
    process.once('SIGINT', () => process.exit(exitCodes.interrupted.code))
    clearProgress()
    const words = typeof last === 'function' ? await last() : last
    if (words !== undefined) note(words)
    process.exit(exitCodes.interrupted.code)
  }

  return {
    environment: env,
    width: stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY,
    print,
    note,

    progress(line, isMilestone) {
      if (isAsking) return
      if (stderr.isTTY) {
        clearProgress()
        stderr.write(fitted(line, stderr))
        hasProgress = true
      } else if (isMilestone) note(...line)
    },

    printJson(value, layout = 'block') {
      const text = JSON.stringify(value, undefined, layout === 'block' ? 2 : undefined)
      for (const line of text.split('\n')) print(line)
    },

    printFile(text) {
      if (!stdout.isTTY) stdout.write(text)
      else for (const line of text.trimEnd().split(/\r?\n/)) print(line)
    },

    async readInput() {
      if (stdin.isTTY) return undefined
      const chunks: Buffer[] = []
      let sizeBytes = 0
      for await (const chunk of stdin) {
        const bytes = Buffer.from(chunk)
        chunks.push(bytes)
        sizeBytes += bytes.length
        if (sizeBytes > maxContentBytes + '\r\n'.length) {
          throw new Failure(`standard input is longer than ${maxContentBytes} bytes`)
        }
      }
      try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
        return text.replace(/\r?\n$/, '')
      } catch (cause) {
        throw new Failure('standard input is not UTF-8 text', { cause })
      }
    },

    async confirm(question) {
      if (!stdin.isTTY || !stderr.isTTY) return undefined
      isAsking = true
      const asking = createInterface({ input: stdin, output: stderr })
      // Readline takes Ctrl-C away from the process.
      asking.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
      try {
        return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `)).trim())
      } finally {
        asking.close()
        isAsking = false
      }
    },

    onInterrupt(whatThen) {
      last = whatThen
    },

    action:
      (work) =>
      async (...given) => {
        process.once('SIGINT', () => void end())
        process.exitCode = codeOf(await work(...given))
      },
  }
}

function write(stream: NodeJS.WriteStream, parts: readonly Part[]): void {
  stream.write(`${styled(parts, stream)}\n`)
}

function styled(parts: readonly Part[], stream: NodeJS.WriteStream): string {
  // styleText knows NO_COLOR, FORCE_COLOR and whether the stream is a terminal.
  const line = parts.map((part) =>
    typeof part === 'string'
      ? printable(part)
      : styleText(part.style, printable(part.text), { stream }),
  )
  return line.join('')
}

/** A line that wraps could not be taken back: then it is cut, without its colours. */
function fitted(parts: readonly Part[], stream: NodeJS.WriteStream): string {
  const text = printable(parts.map(textOf).join(''))
  return widthOf(text) < stream.columns ? styled(parts, stream) : fit(text, stream.columns - 1)
}
