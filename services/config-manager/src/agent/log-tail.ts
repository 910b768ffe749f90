import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

const tailBytes = 64 * 1024
const maxLineLength = 2000

/** Up to `count` lines from the end of a log; none where it cannot be read. */
export function lastLogLines(path: string, count: number): string[] {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return [] // the reason that goes with them says enough
  }
  try {
    const { size } = fstatSync(file)
    const buffer = Buffer.alloc(Math.min(size, tailBytes))
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length)
    return stripVTControlCharacters(buffer.toString('utf8', 0, length))
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .map((line) => line.slice(0, maxLineLength))
  } finally {
    closeSync(file)
  }
}
