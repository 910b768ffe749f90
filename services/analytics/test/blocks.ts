import type { Run } from '../src/comparison/compare.ts'
import type { Block } from '../src/comparison/units.ts'

// In the sandbox of a test each look at a global costs more than the logarithm does.
const { ceil, log } = Math
const base = log(1.01)

/** One message, and the round trips of it that came back. */
export function createBlock(
  microseconds: readonly number[],
  expected = microseconds.length,
): Block {
  const buckets = Map.groupBy(microseconds, (value) => 1.01 ** ceil(log(value) / base))
  return {
    messages: 1,
    expected,
    acks: microseconds.length,
    uppers: Float64Array.from(buckets.keys()),
    counts: Uint32Array.from(buckets.values(), ({ length }) => length),
  }
}

export const createRun = (
  id: string,
  blocks: Block[],
  transport: 'gossip' | 'direct' = 'gossip',
): Run => ({ id, transports: [{ transport, blocks }] })
