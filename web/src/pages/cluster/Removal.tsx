import type { ClusterMember } from '@corroport/contracts'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { Choice } from '../../components/Field.tsx'
import type { Follow } from '../../shell/operation.ts'
import { CommandTwin } from './CommandTwin.tsx'

interface RemovalProps {
  /** All but the one of this gateway. */
  others: readonly { nodeId: string; state: ClusterMember['state'] }[]
  follow: Follow
}

interface Asked {
  nodeId: string
  isForced: boolean
}

/** Forgets another node. What is asked about stays the same while the members change. */
export function Removal({ others, follow }: RemovalProps) {
  const [asked, setAsked] = useState<Asked>()
  const [chosen, setChosen] = useState<string>()
  // Not of whichever node comes next, when the one that it was meant for is gone.
  const [forced, setForced] = useState<string>()
  const target =
    others.find(({ nodeId }) => nodeId === chosen) ??
    others.find(({ state }) => state === 'left') ??
    others[0]
  if (!target) return null
  const { nodeId } = target
  const isForced = forced === nodeId
  const force = isForced ? ' --force' : ''
  return (
    <>
      <div className="row">
        <Choice
          label="Node"
          value={nodeId}
          options={others.map((each) => ({
            value: each.nodeId,
            label: `${each.nodeId} (${each.state ?? 'state not known'})`,
          }))}
          onChange={setChosen}
        />
        <button type="button" onClick={() => setAsked({ nodeId, isForced })}>
          Remove …
        </button>
        <label className="cluster-only">
          <input
            type="checkbox"
            checked={isForced}
            onChange={({ target: { checked } }) => {
              setChosen(nodeId)
              setForced(checked ? nodeId : undefined)
            }}
          />{' '}
          although it has not left
        </label>
        <CommandTwin
          command={`npx corroport cluster remove ${nodeId} --confirm ${nodeId}${force}`}
        />
      </div>
      {asked && (
        <Confirm
          title={`Remove ${asked.nodeId}`}
          action={`Remove ${asked.nodeId}`}
          typed={asked.nodeId}
          isDangerous
          onConfirm={() =>
            follow(`removing of ${asked.nodeId}`, gateway.remove(asked.nodeId, asked.isForced))
          }
          onClose={() => setAsked(undefined)}
        >
          <p>
            Nobody is expected to hear from {asked.nodeId} any more: messages no longer wait for it.
            A removed node that is heard again, and has not left, is back by itself.
          </p>
        </Confirm>
      )}
    </>
  )
}
