import type { Part } from './text.ts'

/** The lines of a unified diff, with its colours. */
export function diffLines(diff: string): Part[] {
  if (diff === '') return [{ text: 'nothing changes', style: 'dim' }]
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .map((text): Part => {
      const line = text.replace(/\r$/, '').replaceAll('\t', '  ')
      if (/^(\+\+\+|---) /.test(line)) return { text: line, style: 'bold' }
      if (line.startsWith('+')) return { text: line, style: 'green' }
      if (line.startsWith('-')) return { text: line, style: 'red' }
      return line.startsWith('@@') ? { text: line, style: 'cyan' } : line
    })
}
