import { type Cell, parameterNames, type QueryPreset } from '@corroport/contracts'
import { useState } from 'react'
import type { Parameter } from './Parameters.tsx'
import { readParameter, type TypedParameter, toTyped } from './parameter.ts'
import type { QuerySearch } from './search.ts'

interface Parameters {
  list: readonly Parameter[]
  /** The values, by name; undefined while one of them is missing or wrong. */
  cells: Record<string, Cell> | undefined
  change: (name: string, typed: TypedParameter) => void
  /** From now on it is said of each that is missing. */
  ask: () => void
  /** For another statement. */
  reset: () => void
}

/** The parameters that stand in a statement; those that are right are kept with it. */
export function useParameters(
  { sql = '', source, params = {} }: QuerySearch,
  preset: QueryPreset | undefined,
  onChange: (params: Record<string, Cell>) => void,
): Parameters {
  const [typed, setTyped] = useState<Readonly<Record<string, TypedParameter>>>({})
  const [isAsked, setAsked] = useState(false)
  const leastOf = (name: string): number | undefined => {
    const known = preset?.parameters.find((parameter) => parameter.name === name)
    return known?.type === 'integer' ? known.min : undefined
  }

  const judged = parameterNames(sql, source ?? 'corrosion').map((name) => {
    const given = params[name]
    const shown = shownOf(typed[name], given)
    if (!shown)
      return { name, kind: 'text' as const, text: '', error: 'give it a value', cell: undefined }
    const read = readParameter(shown, leastOf(name))
    return 'cell' in read
      ? { name, ...shown, error: undefined, cell: read.cell }
      : { name, ...shown, error: read.error, cell: undefined }
  })
  const cells = judged.flatMap(({ name, cell }) =>
    cell === undefined ? [] : [[name, cell] as const],
  )
  return {
    list: judged.map(({ name, kind, text, error }) => {
      const isUntouched = typed[name] === undefined && params[name] === undefined
      return { name, kind, text, error: isUntouched && !isAsked ? undefined : error }
    }),
    cells: cells.length === judged.length ? Object.fromEntries(cells) : undefined,
    change(name, next) {
      setTyped((old) => ({ ...old, [name]: next }))
      const read = readParameter(next, leastOf(name))
      if ('cell' in read) onChange({ ...params, [name]: read.cell })
    },
    ask: () => setAsked(true),
    reset() {
      setTyped({})
      setAsked(false)
    },
  }
}

/** What was typed, unless the address has another value by now. */
function shownOf(typed: TypedParameter | undefined, given: Cell | undefined) {
  if (!typed) return given === undefined ? undefined : toTyped(given)
  const read = readParameter(typed)
  const isSame = 'error' in read || JSON.stringify(read.cell) === JSON.stringify(given)
  return isSame || given === undefined ? typed : toTyped(given)
}
