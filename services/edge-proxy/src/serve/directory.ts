import type { Address } from './connect.ts'

/** Who has a slot, and where it listens. */
export interface Slotted extends Address {
  slot: number
  id: string
}

/** What a thread knows of backends beyond numbers. It is told before anybody can choose their slots. */
export interface Directory {
  at(slot: number): Slotted | undefined
  apply(news: readonly Slotted[]): void
}

export function createDirectory(): Directory {
  const bySlot: (Slotted | undefined)[] = []
  return {
    at: (slot) => bySlot[slot],
    apply(news) {
      for (const each of news) bySlot[each.slot] = each
    },
  }
}
