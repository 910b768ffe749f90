// Held for microseconds: what waits longer than this many looks sleeps.
const looks = 200

/** Runs `work` while no other thread does. Not reentrant. */
export function withLock<T>(lock: Int32Array, work: () => T): T {
  for (let look = 0; Atomics.compareExchange(lock, 0, 0, 1) !== 0; look += 1) {
    if (look > looks) Atomics.wait(lock, 0, 1, 1)
  }
  try {
    return work()
  } finally {
    Atomics.store(lock, 0, 0)
  }
}
