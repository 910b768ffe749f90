import { useNavigate, useSearch } from '@tanstack/react-router'
import { readIds } from './search.ts'

export type SideName = 'a' | 'b'

interface Side {
  /** Its experiments, in the order of choosing. */
  ids: readonly string[]
  change: (next: (old: readonly string[]) => readonly string[]) => void
}

/** A side of the comparison, which is in the address. */
export function useSide(side: SideName): Side {
  const { [side]: text } = useSearch({ from: '/analytics' })
  const navigate = useNavigate({ from: '/analytics' })
  return {
    ids: readIds(text),
    change: (next) =>
      void navigate({
        search: ({ [side]: old, ...rest }) => {
          const changed = readIds(next(readIds(old)).join(','))
          return changed.length === 0 ? rest : { ...rest, [side]: changed.join(',') }
        },
        replace: true,
        resetScroll: false,
      }),
  }
}
