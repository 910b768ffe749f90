import type { QueryReply, QueryRequest } from '@corroport/contracts'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { gateway } from '../../api/gateway.ts'

/** What was asked, of how many nodes, and how much of the statement was put in front of it. */
export interface Asked {
  request: QueryRequest
  patienceMs: number
  before: number
}

export interface Run {
  /** Of the query that is under way. Unix milliseconds. */
  runningSince: number | undefined
  /** Of the query that was asked last. */
  failure: { error: unknown; asked: Asked } | undefined
  /** What was answered last, which stays while another query runs or fails. */
  answer: { reply: QueryReply; asked: Asked; at: number } | undefined
  wasCancelled: boolean
}

const idle: Run = {
  runningSince: undefined,
  failure: undefined,
  answer: undefined,
  wasCancelled: false,
}

/** One query at a time; another one, or leaving the page, gives it up. */
export function useRun(): [Run, (asked: Asked) => Promise<void>, () => void] {
  const [run, setRun] = useState(idle)
  const stopping = useRef<AbortController>(undefined)
  const cancel = (): void => stopping.current?.abort()
  const leave = useEffectEvent(cancel)
  useEffect(() => () => leave(), [])

  const ask = async (asked: Asked): Promise<void> => {
    cancel()
    const own = new AbortController()
    stopping.current = own
    const { signal } = own
    const end = (part: Partial<Run>): void => {
      // A later query has taken the place.
      if (stopping.current === own) setRun((old) => ({ ...old, runningSince: undefined, ...part }))
    }
    setRun((old) => ({ ...idle, answer: old.answer, runningSince: Date.now() }))
    try {
      const reply = await gateway.query(asked.request, { signal, timeoutMs: asked.patienceMs })
      end({ answer: { reply, asked, at: Date.now() } })
    } catch (error) {
      end(signal.aborted ? { wasCancelled: true } : { failure: { error, asked } })
    }
  }
  return [run, ask, cancel]
}
