// Pages that ask for the same are few kinds, whatever their number.
const keptKinds = 8

/** Encodes lists of frames, one that several readers have only once. */
export function createSharedBytes(): { of(frames: readonly string[]): Buffer; forget(): void } {
  let kept: { frames: readonly string[]; bytes: Buffer }[] = []
  return {
    of(frames) {
      const same = kept.find((each) => isSame(each.frames, frames))
      if (same) return same.bytes
      const bytes = Buffer.from(frames.join(''))
      if (kept.length < keptKinds) kept.push({ frames, bytes })
      return bytes
    },
    forget() {
      kept = []
    },
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((frame, index) => frame === other[index])
}
