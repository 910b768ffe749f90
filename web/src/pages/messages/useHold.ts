import { type UIEvent, useState } from 'react'
import type { MessageRow } from './rows.ts'

interface Hold {
  shown: readonly MessageRow[]
  /** How many came since, and wait. */
  newer: number
  isPaused: boolean
  setPaused: (isPaused: boolean) => void
  /** Of what the box of the rows stands in. */
  onScrollCapture: (event: UIEvent) => void
  release: () => void
}

/** Keeps rows where they are while somebody paused, or reads further down. */
export function useHold(rows: readonly MessageRow[]): Hold {
  const [isPaused, setPaused] = useState(false)
  const [isBelow, setBelow] = useState(false)
  const [heldMs, setHeldMs] = useState<number>()

  const newestMs = rows[0]?.atMs ?? 0
  const isHeld = isPaused || isBelow
  if (isHeld && heldMs === undefined) setHeldMs(newestMs)
  if (!isHeld && heldMs !== undefined) setHeldMs(undefined)
  const shown = isHeld && heldMs !== undefined ? rows.filter(({ atMs }) => atMs <= heldMs) : rows

  return {
    shown,
    newer: rows.length - shown.length,
    isPaused,
    setPaused,
    onScrollCapture: ({ target }) => {
      if (target instanceof HTMLElement) setBelow(target.scrollTop > 0)
    },
    release: () => setHeldMs(newestMs),
  }
}
