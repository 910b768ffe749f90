/** Something that went from a node to another one. */
export interface Arc {
  from: string
  to: string
  /** When it is drawn, by `performance.now()`; it fades within `arcMs`. */
  at: number
}

export const arcMs = 2500
