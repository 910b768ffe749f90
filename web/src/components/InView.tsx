import { type ReactNode, useEffect, useRef } from 'react'

/** What a click somewhere else on the page opened, brought to where it is seen. */
export function InView({ children }: { children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // A promise in newer browsers, which is not for React.
    box.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  return <div ref={box}>{children}</div>
}
