import type { ClusterMember } from '@corroport/contracts'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { Choice } from '../../components/Field.tsx'
import type { Follow } from '../../shell/operation.ts'
import { CommandTwin } from './CommandTwin.tsx'

interface RemovalProps {
  /** All but the one of this gateway. */
  others: readonly Pick<ClusterMember, 'node_id' | 'state'>[]
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
  const [isForced, setForced] = useState(false)
  const named = others.flatMap(({ node_id: nodeId, state }) =>
    nodeId === null ? [] : [{ nodeId, state }],
  )
  const target =
    named.find(({ nodeId }) => nodeId === chosen) ??
    named.find(({ state }) => state === 'left') ??
    named[0]
  if (!target) return null
  const { nodeId } = target
  const force = isForced ? ' --force' : ''
  return (
    <>
      <div className="row">
        <Choice
          label="Node"
          value={nodeId}
          options={named.map((each) => ({
            value: each.nodeId,
            label: `${each.nodeId} (${each.state ?? 'state not known'})`,
          }))}
          onChange={(next) => {
            setChosen(next)
            setForced(false) // it was meant for the one before
          }}
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
              setForced(checked)
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
