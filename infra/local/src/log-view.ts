import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Layout } from './layout.ts'
import { type LogLine, lastLines, readLogLine, showLogLine } from './log-lines.ts'

export interface LogViewOptions {
  layout: Layout
  /** Which logs; asked again at each look, since parts may be added. */
  isWanted: (part: string) => boolean
  /** Which of their lines. */
  isShown?: (part: string, line: LogLine) => boolean
  out: NodeJS.WriteStream
}

const lookEveryMs = 150
const chunkBytes = 64 * 1024

/** Prints the last lines of each log. */
export function printLogs(options: LogViewOptions, count: number): void {
  for (const part of wantedParts(options)) {
    for (const line of lastLines(options.layout.log(part), count)) print(options, part, line)
  }
}

/** Prints what is appended to the logs from now on, until the signal. */
export async function followLogs(options: LogViewOptions, signal: AbortSignal): Promise<void> {
  const tails = new Map(wantedParts(options).map((part) => [part, tailAt(options, part)]))
  while (!signal.aborted) {
    for (const part of wantedParts(options)) {
      const tail = tails.get(part) ?? { offset: 0, rest: Buffer.alloc(0) }
      tails.set(part, tail)
      for (const line of readAppended(options.layout.log(part), tail)) print(options, part, line)
    }
    await wait(lookEveryMs, undefined, { signal }).catch(() => undefined) // the loop ends by itself
  }
}

export function partsWithLogs(layout: Layout): string[] {
  let names: string[]
  try {
    names = readdirSync(layout.logs)
  } catch {
    return [] // nothing was started yet
  }
  return names.flatMap((name) => /^([^.]+)\.log$/.exec(name)?.[1] ?? []).toSorted()
}

function wantedParts({ layout, isWanted }: LogViewOptions): string[] {
  return partsWithLogs(layout).filter((part) => isWanted(part))
}

function print({ isShown, out }: LogViewOptions, part: string, text: string): void {
  if (text.trim() === '') return
  const line = readLogLine(text)
  if (isShown && !isShown(part, line)) return
  out.write(`${showLogLine(part, line, out)}\n`)
}

interface Tail {
  offset: number
  /** The beginning of a line whose end is not written yet. */
  rest: Buffer
}

function tailAt({ layout }: LogViewOptions, part: string): Tail {
  const file = openSync(layout.log(part), 'r')
  try {
    return { offset: fstatSync(file).size, rest: Buffer.alloc(0) }
  } finally {
    closeSync(file)
  }
}

function readAppended(path: string, tail: Tail): string[] {
  const file = openSync(path, 'r')
  try {
    // A new start has put an empty file in its place.
    if (fstatSync(file).size < tail.offset)
      Object.assign(tail, { offset: 0, rest: Buffer.alloc(0) })
    const chunk = Buffer.alloc(chunkBytes)
    const lines: string[] = []
    for (;;) {
      const length = readSync(file, chunk, 0, chunk.length, tail.offset)
      if (length === 0) return lines
      tail.offset += length
      const text = Buffer.concat([tail.rest, chunk.subarray(0, length)])
      const end = text.lastIndexOf('\n')
      tail.rest = text.subarray(end + 1)
      if (end !== -1) lines.push(...text.toString('utf8', 0, end).split('\n'))
    }
  } finally {
    closeSync(file)
  }
}
