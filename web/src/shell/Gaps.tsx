import { useState } from 'react'
import { Time } from '../components/Time.tsx'
import { useLiveState } from '../live/hooks.ts'

/** Events that never came to this page: said until somebody has read it. */
export function Gaps() {
  const { gaps } = useLiveState()
  const [readUntil, setReadUntil] = useState(0)
  const unread = gaps.filter(({ at }) => at > readUntil)
  const last = unread.at(-1)
  if (!last) return null
  return (
    <div className="note warn" role="alert">
      <p>
        <strong>Events are missing on this page</strong> ({unread.length}×, last at{' '}
        <Time at={last.at} />
        ): {last.reason}. Tables that were loaded before may lack them; what is asked of the gateway
        anew is whole.
      </p>
      <button type="button" onClick={() => setReadUntil(last.at)}>
        Understood
      </button>
    </div>
  )
}
