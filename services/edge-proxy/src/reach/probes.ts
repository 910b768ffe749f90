import type { Socket } from 'node:net'
import { breakOff } from '../serve/break-off.ts'
import { type Address, type ConnectFailure, connectWithin } from '../serve/connect.ts'

export interface Probed extends Address {
  slot: number
  id: string
}

export interface ProbeOptions {
  everyMs: number
  timeoutMs: number
  /** Good ones in turn after which one that was ejected takes connections again. */
  successesToReturn: number
  backends: () => Iterable<Probed>
  /** Whether its slot is still its own. */
  isCurrent: (probed: Probed) => boolean
  isEjected: (slot: number) => boolean
  onGood: (slot: number) => void
  onBad: (slot: number, reason: string) => void
  connect?: typeof connectWithin
}

const mostAtOnce = 256
// One that has failed once is asked again soon, so that it is out before the next turn.
const againMs = 250

/** Connects to every backend again and again, many at once, so that a slow one delays no other. */
export function startProbes(options: ProbeOptions): Disposable {
  const { everyMs, timeoutMs, successesToReturn, onGood, onBad } = options
  const { connect = connectWithin } = options
  /** Good ones in turn, by slot. */
  const good = new Map<number, number>()
  const waiting: Probed[] = []
  const busy = new Set<number>()
  let isStopped = false

  const judge = (probed: Probed, outcome: Socket | ConnectFailure): void => {
    const { slot } = probed
    if (!('reason' in outcome)) {
      outcome.on('error', () => undefined)
      breakOff(outcome)
      const inTurn = (good.get(slot) ?? 0) + 1
      good.set(slot, inTurn)
      if (!options.isEjected(slot) || inTurn >= successesToReturn) onGood(slot)
      else again(probed)
      return
    }
    good.delete(slot)
    if (outcome.isOurs) return
    const wasEjected = options.isEjected(slot)
    onBad(slot, outcome.reason)
    if (!wasEjected && !options.isEjected(slot)) again(probed)
  }

  const again = (probed: Probed): void => {
    setTimeout(() => add(probed), Math.min(againMs, everyMs)).unref()
  }

  const add = (probed: Probed): void => {
    if (isStopped || busy.has(probed.slot) || !options.isCurrent(probed)) return
    busy.add(probed.slot)
    waiting.push(probed)
    next()
  }

  let open = 0
  const next = (): void => {
    while (open < mostAtOnce) {
      const probed = waiting.pop()
      if (!probed) return
      open += 1
      connect(probed, timeoutMs, (outcome) => {
        open -= 1
        busy.delete(probed.slot)
        if (isStopped) {
          if (!('reason' in outcome)) outcome.destroy()
          return
        }
        if (options.isCurrent(probed)) judge(probed, outcome)
        else if (!('reason' in outcome)) outcome.destroy()
        next()
      })
    }
  }

  const timer = setInterval(() => {
    for (const probed of options.backends()) add(probed)
  }, everyMs)
  return {
    [Symbol.dispose]() {
      isStopped = true
      clearInterval(timer)
    },
  }
}
