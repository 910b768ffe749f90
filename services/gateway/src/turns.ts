/** Lets so many work at once; the others wait until one of these is done. */
export function createTurns(most: number): { readonly free: number; take(): Promise<Disposable> } {
  let free = most
  const waiting: (() => void)[] = []
  const giveBack = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return {
    get free() {
      return free
    },
    async take() {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      return { [Symbol.dispose]: giveBack }
    },
  }
}
