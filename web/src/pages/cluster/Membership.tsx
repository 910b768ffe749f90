import type { OperationReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { messageOf, RefusedError } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { membersQuery } from '../../api/queries.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { Copy } from '../../components/Copy.tsx'
import { Choice, Field } from '../../components/Field.tsx'
import { OperationProgress } from '../../components/OperationProgress.tsx'
import { Panel } from '../../components/Panel.tsx'
import { toast } from '../../components/toasts.ts'
import { useRefusal } from '../../shell/refusal.ts'

type Asked = 'leave' | 'wipe' | 'remove'

/** Join, leave, wipe of this gateway's node; remove of another one that has left. */
export function Membership() {
  const { operation } = useSearch({ from: '/cluster' })
  const navigate = useNavigate({ from: '/cluster' })
  const { data } = useQuery(membersQuery)
  const refusal = useRefusal('admin')
  const [asked, setAsked] = useState<Asked>()
  const [chosen, setChosen] = useState<string>()
  const [isForced, setForced] = useState(false)
  const members = data?.members ?? []
  const self = data?.node_id
  const own = members.find(({ is_local }) => is_local)
  const others = members.flatMap(({ node_id, is_local, state }) =>
    node_id === null || is_local ? [] : [{ nodeId: node_id, state }],
  )
  const target =
    others.find(({ nodeId }) => nodeId === chosen) ??
    others.find(({ state }) => state === 'left') ??
    others[0]

  const follow = async (what: string, reply: Promise<OperationReply>): Promise<void> => {
    const { operation: begun } = await reply
    toast('info', `${what} has begun`)
    void navigate({ search: (old) => ({ ...old, operation: begun.id }), resetScroll: false })
  }
  const close = () => setAsked(undefined)

  return (
    <Panel title="Come and go">
      {refusal !== undefined && <p className="note info">{refusal}</p>}
      {operation !== undefined && (
        <OperationProgress
          id={operation}
          whenEnded={
            <button
              type="button"
              className="quiet"
              onClick={() =>
                void navigate({
                  search: ({ operation: _operation, ...rest }) => rest,
                  resetScroll: false,
                })
              }
            >
              Close
            </button>
          }
        />
      )}
      {self === undefined ? (
        <p className="loading">Loading who this node is …</p>
      ) : (
        <fieldset disabled={refusal !== undefined} className="cluster-actions">
          <legend>
            {self}, whose gateway serves this page: {own?.state ?? 'state not known'}
          </legend>
          <JoinForm onJoin={(seeds) => follow(`joining of ${self}`, gateway.join(seeds))} />
          <div className="row">
            <button type="button" onClick={() => setAsked('leave')}>
              Leave …
            </button>
            <button
              type="button"
              disabled={own?.state !== 'left'}
              title={own?.state === 'left' ? undefined : `only of a node that has left`}
              onClick={() => setAsked('wipe')}
            >
              Wipe the database …
            </button>
            <Twin command={`npx corroport cluster leave --confirm ${self}`} />
          </div>
          <p className="hint">
            Another node leaves by the console of its own gateway. A node can be wiped once it has
            left.
          </p>
        </fieldset>
      )}
      {target && (
        <fieldset disabled={refusal !== undefined} className="cluster-actions">
          <legend>Forget a node that has left</legend>
          <div className="row">
            <Choice
              label="Node"
              value={target.nodeId}
              options={others.map(({ nodeId, state }) => ({
                value: nodeId,
                label: `${nodeId} (${state ?? 'state not known'})`,
              }))}
              onChange={setChosen}
            />
            <button type="button" onClick={() => setAsked('remove')}>
              Remove …
            </button>
            <label className="cluster-only">
              <input
                type="checkbox"
                checked={isForced}
                onChange={({ target: { checked } }) => setForced(checked)}
              />{' '}
              although it has not left
            </label>
            <Twin
              command={`npx corroport cluster remove ${target.nodeId} --confirm ${target.nodeId}${isForced ? ' --force' : ''}`}
            />
          </div>
        </fieldset>
      )}
      {asked === 'leave' && self !== undefined && (
        <Confirm
          title={`${self} leaves the cluster`}
          action={`Let ${self} leave`}
          typed={self}
          isDangerous
          onConfirm={() => follow(`leaving of ${self}`, gateway.leave(self))}
          onClose={close}
        >
          <p>
            The node is drained, then its agent is stopped: its tables cannot be read or written
            here until it joins again. Its data stays.
          </p>
        </Confirm>
      )}
      {asked === 'wipe' && self !== undefined && (
        <Confirm
          title={`Wipe the database of ${self}`}
          action={`Wipe ${self}`}
          typed={self}
          isDangerous
          onConfirm={() => follow(`wiping of ${self}`, gateway.wipe(self))}
          onClose={close}
        >
          <p>
            The database of its agent is deleted. This cannot be undone: what only this node has is
            lost, and it comes back under a new actor id.
          </p>
        </Confirm>
      )}
      {asked === 'remove' && target && (
        <Confirm
          title={`Remove ${target.nodeId}`}
          action={`Remove ${target.nodeId}`}
          typed={target.nodeId}
          isDangerous
          onConfirm={() =>
            follow(`removing of ${target.nodeId}`, gateway.remove(target.nodeId, isForced))
          }
          onClose={close}
        >
          <p>
            Nobody is expected to hear from {target.nodeId} any more: messages no longer wait for
            it. A removed node that is heard again, and has not left, is back by itself.
          </p>
        </Confirm>
      )}
    </Panel>
  )
}

function JoinForm({ onJoin }: { onJoin: (seeds: string[]) => Promise<void> }) {
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const join = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const seeds = text.split(/[\s,]+/).filter((seed) => seed !== '')
    if (seeds.length === 0) {
      setError('give the gossip address of a member: 10.0.0.1:8787')
      return
    }
    setError(undefined)
    setBusy(true)
    try {
      await onJoin(seeds)
    } catch (failure) {
      const problems = failure instanceof RefusedError ? failure.problems : []
      setError(problems.length > 0 ? problems.join('; ') : messageOf(failure))
    }
    setBusy(false)
  }
  return (
    <form onSubmit={(event) => void join(event)}>
      <div className="row">
        <Field
          label="Join by these seeds"
          placeholder="10.0.0.1:8787, 10.0.0.2:8787"
          value={text}
          error={error}
          onChange={({ target }) => setText(target.value)}
        />
        <button type="submit" disabled={isBusy} aria-busy={isBusy}>
          Join
        </button>
        <Twin command="npx corroport cluster join 10.0.0.1:8787 10.0.0.2:8787" />
      </div>
    </form>
  )
}

/** The same as a command. */
function Twin({ command }: { command: string }) {
  return (
    <span className="cluster-command">
      <code>{command}</code> <Copy text={command} />
    </span>
  )
}
