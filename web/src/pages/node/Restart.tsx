import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { Field } from '../../components/Field.tsx'
import { useFollowed } from '../../shell/operation.ts'
import { useRefusal } from '../../shell/refusal.ts'

/** Restarts the agent of a node, after it was asked whether that is meant. */
export function Restart({ nodeId }: { nodeId: string }) {
  const [isAsked, setAsked] = useState(false)
  const [reason, setReason] = useState('')
  const follow = useFollowed('/node')
  const refusal = useRefusal('operator')
  const given = reason.trim() === '' ? undefined : reason.trim()
  return (
    <>
      <button
        type="button"
        disabled={refusal !== undefined}
        title={refusal ?? `npx corroport agent restart ${nodeId}`}
        onClick={() => setAsked(true)}
      >
        Restart the agent …
      </button>
      {isAsked && (
        <Confirm
          title={`Restart the agent of ${nodeId}`}
          action={`Restart ${nodeId}`}
          isDangerous
          onConfirm={() => follow(`restarting ${nodeId}`, gateway.restart(nodeId, given))}
          onClose={() => setAsked(false)}
        >
          <p>
            Its tables cannot be read or written for some seconds: it says goodbye to the others,
            stops, starts, and is back when a subscription can be opened.
          </p>
          <Field
            label="Reason, for the record"
            maxLength={500}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
          <p className="hint">
            <code>npx corroport agent restart {nodeId}</code>
          </p>
        </Confirm>
      )}
    </>
  )
}
