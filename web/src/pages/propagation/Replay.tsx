import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { gatewayNow } from '../../api/gateway-clock.ts'
import { ErrorNote } from '../../components/Notice.tsx'
import { Time } from '../../components/Time.tsx'
import { without } from '../../search.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import type { Journey } from './journey.ts'
import { journeyAt, type Step, stepsBetween, stepsOf } from './replay.ts'

const subjects =
  'corro.message.sent.*,corro.message.accepted.*,corro.message.failed.*,corro.ack.received.*'
const mostRecords = 5000
const tickMs = 50
// Browsers refuse to change an address twenty times a second: it follows what has come to rest.
const restMs = 300
// From there it would stop at once: it is played from its start.
const nearEndMs = 1000
const speeds = [1, 10, 60] as const

interface ReplayProps {
  at: number
  onShow: (journey: Journey | undefined, steps: Step[]) => void
}

/** The past minutes once more: a bar to pull, and a button that lets them run. */
export function Replay({ at, onShow }: ReplayProps) {
  const navigate = useNavigate({ from: '/' })
  const { since, until, lengthMs, key } = useTimeRange()
  const [speed, setSpeed] = useState<number>()
  const [place, setPlace] = useState(at)
  const [seen, setSeen] = useState(at)
  const [written, setWritten] = useState(at)
  if (at !== seen) {
    setSeen(at)
    // The place may have moved on since it was written into the address.
    if (at !== written) {
      setWritten(at)
      setPlace(at)
    }
  }
  const past = useQuery({
    queryKey: ['replay', key],
    queryFn: async () => {
      const [from, to] = [since(), until ?? new Date(gatewayNow()).toISOString()]
      const reply = await gateway.records({ subjects, since: from, until: to, limit: mostRecords })
      const steps = stepsOf(reply.records)
      // What the limit left out is older than what came.
      const start = reply.is_cut ? (steps[0]?.at ?? Date.parse(from)) : Date.parse(from)
      return { steps, start, end: Date.parse(to), isCut: reply.is_cut }
    },
    staleTime: Infinity,
    // Begun again, it reaches up to then.
    gcTime: 0,
  })
  const { steps = [], start = at - lengthMs, end = at } = past.data ?? {}
  const moment = Math.min(end, Math.max(start, place))

  const move = (next: number): void => {
    const bounded = Math.min(end, next)
    onShow(journeyAt(steps, bounded), bounded > moment ? stepsBetween(steps, moment, bounded) : [])
    if (bounded >= end) setSpeed(undefined)
    setPlace(bounded)
  }
  const toggle = (next: number): void => {
    if (speed === undefined && end - moment < nearEndMs) move(start)
    setSpeed(speed === next ? undefined : next)
  }
  useEffect(() => {
    if (place === at) return undefined
    const timer = setTimeout(() => {
      setWritten(place)
      void navigate({
        search: (old) => ({ ...old, at: new Date(place).toISOString() }),
        replace: true,
      })
    }, restMs)
    return () => clearTimeout(timer)
  }, [place, at, navigate])
  const play = useEffectEvent(() => move(moment + (speed ?? 0) * tickMs))
  useEffect(() => {
    if (speed === undefined) return undefined
    const timer = setInterval(() => play(), tickMs)
    return () => clearInterval(timer)
  }, [speed])
  const show = useEffectEvent(() => onShow(journeyAt(steps, moment), []))
  useEffect(() => {
    if (past.data) show()
  }, [past.data])

  if (past.error)
    return (
      <ErrorNote error={past.error} what="the past minutes" onRetry={() => void past.refetch()} />
    )
  if (!past.data) return <p className="loading">Loading the past minutes …</p>
  return (
    <div className="propagation-replay">
      <label>
        <span className="unseen">Moment of the replay</span>
        <input
          type="range"
          min={start}
          max={end}
          step={100}
          value={moment}
          aria-valuetext={new Date(moment).toISOString()}
          onChange={({ target }) => move(Number(target.value))}
        />
      </label>
      <div className="toolbar">
        {speeds.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={speed === each}
            onClick={() => toggle(each)}
          >
            {speed === each ? 'Pause' : `Play × ${each}`}
          </button>
        ))}
        <span>
          <Time at={moment} withDate /> · {steps.length} events
        </span>
        {past.data.isCut && (
          <span className="hint">older ones are left out: {mostRecords} at most</span>
        )}
        <button
          type="button"
          onClick={() => void navigate({ search: (old) => without(old, 'at'), replace: true })}
        >
          Back to live
        </button>
      </div>
    </div>
  )
}
