import { nowMicroseconds, toTimestamp } from '@corroport/contracts'

export interface Announced<Said> {
  said: Said
  presence: 'present' | 'lost'
  heardAt: string
}

/** Those that announce themselves each second, as heard since this gateway started. */
export interface Heard<Said> extends AsyncDisposable {
  /** By id. */
  current(): Announced<Said>[]
  /** One that is present, for what any of them can do; undefined: there is none. */
  anyPresent(): string | undefined
}

const lostAfterMs = 3000
// Who was not heard for so long is no longer told of.
const forgottenAfterMs = 24 * 3_600_000

export function openHeard<Said>(
  hear: (take: (said: Said) => void) => AsyncDisposable,
  idOf: (said: Said) => string,
): Heard<Said> {
  const heard = new Map<string, { said: Said; at: number; atSteady: number }>()
  const hearing = hear((said) => {
    heard.set(idOf(said), { said, at: nowMicroseconds(), atSteady: performance.now() })
  })
  const isPresent = (atSteady: number): boolean => performance.now() - atSteady <= lostAfterMs

  return {
    current() {
      for (const [id, { atSteady }] of heard) {
        if (performance.now() - atSteady > forgottenAfterMs) heard.delete(id)
      }
      return [...heard]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { said, at, atSteady }]) => ({
          said,
          presence: isPresent(atSteady) ? 'present' : 'lost',
          heardAt: toTimestamp(at),
        }))
    },
    anyPresent: () => [...heard].find(([, { atSteady }]) => isPresent(atSteady))?.[0],
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}
