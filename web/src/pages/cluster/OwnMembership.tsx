import type { NodeState } from '@corroport/contracts'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import type { Follow } from '../../shell/operation.ts'
import { CommandTwin } from './CommandTwin.tsx'
import { JoinForm } from './JoinForm.tsx'

interface OwnMembershipProps {
  nodeId: string
  /** As the node says itself. */
  state: NodeState | null
  follow: Follow
}

/** The node of this gateway joins, leaves, and is wiped once it has left. */
export function OwnMembership({ nodeId, state, follow }: OwnMembershipProps) {
  const [asked, setAsked] = useState<'leave' | 'wipe'>()
  const close = () => setAsked(undefined)
  const hasLeft = state === 'left'
  return (
    <>
      <JoinForm onJoin={(seeds) => follow(`joining of ${nodeId}`, gateway.join(seeds))} />
      <div className="row">
        <button type="button" onClick={() => setAsked('leave')}>
          Leave …
        </button>
        <button
          type="button"
          disabled={!hasLeft}
          title={hasLeft ? undefined : 'only of a node that has left'}
          onClick={() => setAsked('wipe')}
        >
          Wipe the database …
        </button>
        <CommandTwin command={`npx corroport cluster leave --confirm ${nodeId}`} />
      </div>
      <p className="hint">
        Another node leaves by the console of its own gateway. A node can be wiped once it has left.
      </p>
      {asked === 'leave' && (
        <Confirm
          title={`${nodeId} leaves the cluster`}
          action={`Let ${nodeId} leave`}
          typed={nodeId}
          isDangerous
          onConfirm={() => follow(`leaving of ${nodeId}`, gateway.leave(nodeId))}
          onClose={close}
        >
          <p>
            The node is drained, then its agent is stopped: its tables cannot be read or written
            here until it joins again. Its data stays.
          </p>
        </Confirm>
      )}
      {asked === 'wipe' && (
        <Confirm
          title={`Wipe the database of ${nodeId}`}
          action={`Wipe ${nodeId}`}
          typed={nodeId}
          isDangerous
          onConfirm={() => follow(`wiping of ${nodeId}`, gateway.wipe(nodeId))}
          onClose={close}
        >
          <p>
            The database of its agent is deleted. This cannot be undone: what only this node has is
            lost, and it comes back under a new actor id.
          </p>
        </Confirm>
      )}
    </>
  )
}
