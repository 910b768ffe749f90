/** Of a row: by the clock of the node that wrote it, in milliseconds since the Unix epoch. */
export interface Lease {
  /** Undefined: it has none, and never ends. */
  until: number | undefined
  /** When it was given; undefined where the row does not say. */
  givenAt: number | undefined
}

/** Which leases are over, although clocks of nodes may be wrong. */
export interface Leases {
  /**
   * A row was read. One that was `heard` just now, as it was written, lasts as long from here as its
   * writer gave it; one that was found lasts no longer than its time says.
   */
  see(id: string, lease: Lease, how: 'heard' | 'found'): void
  forget(id: string): void
  isOver: (id: string) => boolean
  /** While nothing can be heard no lease ends: their owners may be well. */
  hold(): void
  /** They end again, but none before `graceMs` have passed in which rows may come. */
  goOn(graceMs: number): void
  /** When the first one after this time ends, by the steady clock; undefined: none does, as things are. */
  nextEnd(after: number): number | undefined
}

export interface Clocks {
  /** A steady clock, milliseconds. */
  steady: () => number
  /** Milliseconds since the Unix epoch. */
  wall: () => number
}

export function createLeases({ steady, wall }: Clocks): Leases {
  /** By the steady clock. */
  const ends = new Map<string, number>()
  let isHeld = false
  let notBefore = 0

  const isOverAt = (end: number): boolean => !isHeld && Math.max(end, notBefore) <= steady()

  return {
    see(id, { until, givenAt }, how) {
      if (until === undefined) {
        ends.delete(id)
        return
      }
      const left = until - wall()
      const given = givenAt === undefined ? left : until - givenAt
      ends.set(id, steady() + (how === 'heard' ? given : Math.min(left, given)))
    },
    forget: (id) => void ends.delete(id),
    isOver(id) {
      const end = ends.get(id)
      return end !== undefined && isOverAt(end)
    },
    hold() {
      isHeld = true
    },
    goOn(graceMs) {
      if (!isHeld) return
      isHeld = false
      notBefore = steady() + graceMs
    },
    nextEnd(after) {
      if (isHeld) return undefined
      let next: number | undefined
      for (const end of ends.values()) {
        const at = Math.max(end, notBefore)
        if (at > after && (next === undefined || at < next)) next = at
      }
      return next
    },
  }
}
