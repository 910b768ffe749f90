import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { formatCount } from '../../format/number.ts'
import { useLiveState } from '../../live/hooks.ts'
import { useRefusal } from '../../shell/refusal.ts'

/** Makes this gateway forget which messages it waits for. */
export function ResetTracking() {
  const [isAsked, setAsked] = useState(false)
  const refusal = useRefusal('operator')
  const queries = useQueryClient()
  const { status } = useLiveState()
  const node = status?.value.node.id ?? 'this node'
  const reset = async (): Promise<void> => {
    const { forgotten } = await gateway.resetTracking()
    toast('good', `${node} forgot ${formatCount(forgotten)} messages that it tracked`)
    await queries.invalidateQueries({ queryKey: ['message-life'] })
  }
  return (
    <>
      <button
        type="button"
        onClick={() => setAsked(true)}
        disabled={refusal !== undefined}
        title={refusal}
      >
        Reset tracking …
      </button>
      {isAsked && (
        <Confirm
          title="Reset tracking"
          action="Reset tracking"
          isDangerous
          onConfirm={reset}
          onClose={() => setAsked(false)}
        >
          <p>
            {node} forgets every message that it sent and who acknowledged it. Acknowledgements that
            are still under way are then not counted. The rows stay, and so does what analytics
            stored. It cannot be undone.
          </p>
        </Confirm>
      )}
    </>
  )
}
