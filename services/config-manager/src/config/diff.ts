import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { maskText } from './mask.ts'
import { parseToml } from './toml.ts'

/** A unified diff of two texts of a file, their secrets masked; empty when they are the same. */
export function diffFiles(name: string, before: string, after: string): string {
  if (before === after) return ''
  const hadText = isToml(before)
  const shown = hadText ? maskText(before) : notShown
  const then = isToml(after) ? maskText(after, hadText ? before : undefined) : notShown
  return createTwoFilesPatch(name, name, shown, then, 'before', 'after', {
    headerOptions: FILE_HEADERS_ONLY,
  })
}

// Where nothing can be parsed, nothing says which part of it is secret.
const notShown = '# This is no TOML, so it is not shown.\n'

function isToml(text: string): boolean {
  try {
    parseToml(text)
    return true
  } catch {
    return false // why it is none is told where the file is read
  }
}
