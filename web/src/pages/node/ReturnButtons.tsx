import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { useFollowed } from '../../shell/operation.ts'
import { useRefusal } from '../../shell/refusal.ts'

interface ReturnProps {
  nodeId: string
}

/** Puts the file of before the last change back. */
export function RollBack({ nodeId }: ReturnProps) {
  const [isAsked, setAsked] = useState(false)
  const follow = useFollowed('/node')
  const refusal = useRefusal('operator')
  return (
    <>
      <button
        type="button"
        disabled={refusal !== undefined}
        title={refusal}
        onClick={() => setAsked(true)}
      >
        Roll back {nodeId} …
      </button>
      {isAsked && (
        <Confirm
          title={`Roll back ${nodeId}`}
          action={`Roll back ${nodeId}`}
          isDangerous
          onConfirm={() => follow(`rolling back ${nodeId}`, gateway.rollback(nodeId))}
          onClose={() => setAsked(false)}
        >
          <p>
            The file of before the last change is put back, and the agent of {nodeId} is restarted:
            it is away for some seconds.
          </p>
        </Confirm>
      )}
    </>
  )
}

interface RestoreProps extends ReturnProps {
  /** Null where none is configured. */
  canonicalPath: string | null
}

/** Puts the canonical file in the place of the one that the agent runs from. */
export function RestoreCanonical({ nodeId, canonicalPath }: RestoreProps) {
  const [isAsked, setAsked] = useState(false)
  const follow = useFollowed('/node')
  const refusal = useRefusal('operator')
  const missing =
    canonicalPath === null ? 'No canonical file: set AGENT_CANONICAL_CONFIG.' : refusal
  return (
    <>
      <button
        type="button"
        disabled={missing !== undefined}
        title={missing}
        onClick={() => setAsked(true)}
      >
        Restore canonical …
      </button>
      {isAsked && (
        <Confirm
          title={`Restore the canonical file of ${nodeId}`}
          action={`Restore ${nodeId}`}
          isDangerous
          onConfirm={() => follow(`restoring ${nodeId}`, gateway.restoreCanonical(nodeId))}
          onClose={() => setAsked(false)}
        >
          <p>
            <code>{canonicalPath}</code> replaces what the agent runs from, and the agent of{' '}
            {nodeId} is restarted. It can be rolled back afterwards.
          </p>
        </Confirm>
      )}
    </>
  )
}
