import { Gauge, type Registry } from 'prom-client'
import type { KnownClock } from './clock-alarm.ts'

export interface ClockMetrics extends Disposable {
  set(clock: KnownClock, isAlarmed: boolean): void
  /** A node whose clock is not known has no figures. */
  remove(nodeId: string): void
}

const names = {
  offset: 'corro_clock_offset_seconds',
  bound: 'corro_clock_bound_seconds',
  alarm: 'corro_clock_alarm',
}

/** Disposing takes them out of the registry, where the next leadership puts them again. */
export function createClockMetrics(registry: Registry): ClockMetrics {
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['node'], registers: [registry] })
  const offset = gauge(names.offset, "A node's clock less the one of analytics.")
  const bound = gauge(names.bound, 'The offset of the clock may be wrong by so much.')
  const alarm = gauge(names.alarm, "1: further from another node's clock than Corrosion bears.")
  return {
    set({ nodeId, offsetUs, boundUs }, isAlarmed) {
      offset.set({ node: nodeId }, offsetUs / 1e6)
      bound.set({ node: nodeId }, boundUs / 1e6)
      alarm.set({ node: nodeId }, isAlarmed ? 1 : 0)
    },
    remove(nodeId) {
      for (const metric of [offset, bound, alarm]) metric.remove({ node: nodeId })
    },
    [Symbol.dispose]() {
      for (const name of Object.values(names)) registry.removeSingleMetric(name)
    },
  }
}
