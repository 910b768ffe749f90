// A message that finds no place waits for one, and its delay says so.
const maxInFlight = 512

/** The messages of one share whose outcome is not known yet. */
export interface InFlight {
  place(): Promise<void>
  add(work: Promise<void>): void
  /** Throws what the work has thrown. */
  ended(): Promise<void>
}

export function createInFlight(): InFlight {
  const works = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let freed = Promise.withResolvers<void>()
  const waitWhile = async (isSo: () => boolean): Promise<void> => {
    while (isSo()) await freed.promise
    if (failure) throw failure.error
  }
  return {
    place: () => waitWhile(() => works.size >= maxInFlight),
    ended: () => waitWhile(() => works.size > 0),
    add(work) {
      works.add(work)
      void work
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => {
          works.delete(work)
          freed.resolve()
          freed = Promise.withResolvers()
        })
    },
  }
}
