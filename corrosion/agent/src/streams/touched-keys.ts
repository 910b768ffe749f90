import type { Change } from '../store/change.ts'

/** Keys that were touched since they were last taken, each once, in the order of their first touch. */
export class TouchedKeys {
  #keys = new Map<string, { pk: Uint8Array; cl: number }>()

  get size(): number {
    return this.#keys.size
  }

  add({ pk, cl }: Pick<Change, 'pk' | 'cl'>): void {
    this.#keys.set(nameOf(pk), { pk, cl })
  }

  take(): { pk: Uint8Array; cl: number }[] {
    const taken = [...this.#keys.values()]
    this.#keys = new Map()
    return taken
  }
}

/** Packed keys as texts, to be compared. */
export function nameOf(pk: Uint8Array): string {
  return Buffer.from(pk.buffer, pk.byteOffset, pk.byteLength).toString('latin1')
}
