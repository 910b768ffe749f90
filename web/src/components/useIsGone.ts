import { useEffect, useRef } from 'react'

/** Tells later whether the component was taken away: what failed meanwhile is then said elsewhere. */
export function useIsGone(): () => boolean {
  const isGone = useRef(false)
  useEffect(() => {
    isGone.current = false
    return () => {
      isGone.current = true
    }
  }, [])
  return () => isGone.current
}
