const types: Readonly<Record<number, string>> = { 0o04: 'd', 0o12: 'l', 0o14: 's', 0o10: '-' }

/** As ls has it: `-rw-r-----`. */
export function fileMode(mode: number): string {
  const rights = (bits: number, special: boolean, letter: string): string => {
    const execute = (bits & 1) !== 0
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-'
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`
  }
  return [
    types[(mode >> 12) & 0o17] ?? '?',
    rights(mode >> 6, (mode & 0o4000) !== 0, 's'),
    rights(mode >> 3, (mode & 0o2000) !== 0, 's'),
    rights(mode, (mode & 0o1000) !== 0, 't'),
  ].join('')
}
