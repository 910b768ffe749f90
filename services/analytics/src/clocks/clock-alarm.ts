import { clockAlarmMs } from '@corroport/contracts'

export interface KnownClock {
  nodeId: string
  offsetUs: number
  boundUs: number
}

export interface ClockAlarm {
  otherNodeId: string
  /** At least; what the bounds of both leave open is not in it. */
  apartMs: number
}

/** The nodes whose clocks are too far from another one, each with the one that it is furthest from. */
export function findAlarms(clocks: readonly KnownClock[]): Map<string, ClockAlarm> {
  const alarms = new Map<string, ClockAlarm>()
  const earliest = (clock: KnownClock) => clock.offsetUs + clock.boundUs
  const latest = (clock: KnownClock) => clock.offsetUs - clock.boundUs
  const [first] = clocks
  if (!first) return alarms
  const behind = clocks.reduce((a, b) => (earliest(b) < earliest(a) ? b : a), first)
  const ahead = clocks.reduce((a, b) => (latest(b) > latest(a) ? b : a), first)
  for (const clock of clocks) {
    const toBehind = latest(clock) - earliest(behind)
    const toAhead = latest(ahead) - earliest(clock)
    const [other, apartUs] = toBehind > toAhead ? [behind, toBehind] : [ahead, toAhead]
    const apartMs = apartUs / 1000
    if (apartMs > clockAlarmMs) alarms.set(clock.nodeId, { otherNodeId: other.nodeId, apartMs })
  }
  return alarms
}
