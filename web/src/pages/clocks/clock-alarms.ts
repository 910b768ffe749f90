import { clockAlarmMs } from '@corroport/contracts'

/** A comparison of a clock with the one of analytics. */
export interface Sample {
  nodeId: string
  /** Unix milliseconds. */
  at: number
  offsetMs: number
  boundMs: number
}

/** Two clocks that were surely too far apart for a while. */
export interface Alarm {
  ahead: string
  behind: string
  from: number
  to: number
  /** At least: what the bounds of both leave open is not in it. */
  apartMs: number
  isOver: boolean
}

// An older sample says nothing of a clock any more; they come each 10 seconds.
const validMs = 30_000

/** By how much the one is surely ahead of the other. */
export function apartMs(ahead: Omit<Sample, 'at'>, behind: Omit<Sample, 'at'>): number {
  return ahead.offsetMs - ahead.boundMs - (behind.offsetMs + behind.boundMs)
}

/** Of all samples of a time range, which ends at `untilMs`: which clocks were too far apart, newest first. */
export function alarmsOf(samples: readonly Sample[], untilMs: number): Alarm[] {
  const last = new Map<string, Sample>()
  const open = new Map<string, Alarm>()
  const over: Alarm[] = []
  for (const sample of samples.toSorted((a, b) => a.at - b.at)) {
    for (const [name, alarm] of open) {
      if (sample.at - alarm.to <= validMs) continue
      open.delete(name)
      over.push({ ...alarm, isOver: true })
    }
    last.set(sample.nodeId, sample)
    for (const other of last.values()) {
      if (other.nodeId === sample.nodeId || sample.at - other.at > validMs) continue
      const [ahead, behind] = sample.offsetMs > other.offsetMs ? [sample, other] : [other, sample]
      const apart = apartMs(ahead, behind)
      if (apart <= clockAlarmMs && open.size === 0) continue
      const name = [sample.nodeId, other.nodeId].toSorted().join(' ')
      const known = open.get(name)
      if (apart > clockAlarmMs) {
        open.set(name, {
          ahead: ahead.nodeId,
          behind: behind.nodeId,
          from: known?.from ?? sample.at,
          to: sample.at,
          apartMs: Math.max(apart, known?.apartMs ?? 0),
          isOver: false,
        })
      } else if (known) {
        open.delete(name)
        over.push({ ...known, to: sample.at, isOver: true })
      }
    }
  }
  const unended = [...open.values()].map((alarm) => ({
    ...alarm,
    isOver: untilMs - alarm.to > validMs,
  }))
  return [...over, ...unended].toSorted((a, b) => b.from - a.from)
}
