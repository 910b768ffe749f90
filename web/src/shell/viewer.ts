import { focusManager, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { isUnauthorized } from '../api/errors.ts'
import { sessionQuery } from '../api/queries.ts'
import { useLive, useLiveState } from '../live/hooks.ts'

/** Who looks at the pages of this tab, which may be signed in and out in other tabs too. */
interface Viewer {
  /** Somebody has to sign in. */
  isOut: boolean
  /** Somebody was in, so that the page may have what they typed. */
  wasIn: boolean
  /** After they signed out. */
  leave: () => void
}

export function useViewer(): Viewer {
  const live = useLive()
  const isDenied = useLiveState().connection.name === 'denied'
  const { data, error, refetch } = useQuery(sessionQuery)
  const isOut = data?.principal === null || isUnauthorized(error)
  const [wasIn, setWasIn] = useState(false)
  if (data?.principal && !wasIn) setWasIn(true)

  useEffect(() => {
    // The stream is the first to hear that a session is over.
    if (isDenied) void refetch()
  }, [isDenied, refetch])
  useEffect(() => {
    // Else pages go on asking, and what they are refused drowns the audit trail.
    focusManager.setFocused(isOut ? false : undefined)
  }, [isOut])
  const wasOut = useRef(false)
  useEffect(() => {
    if (wasOut.current && !isOut) live.reconnect()
    wasOut.current = isOut
  }, [isOut, live])
  return { isOut, wasIn, leave: () => setWasIn(false) }
}
