import type { Plan } from '@corroport/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useId, useState } from 'react'
import { messageOf, RefusedError } from '../../api/errors.ts'
import { type Edit, gateway } from '../../api/gateway.ts'
import { membersQuery } from '../../api/queries.ts'
import { Copy } from '../../components/Copy.tsx'
import { Choice } from '../../components/Field.tsx'
import { useRefusal } from '../../shell/refusal.ts'
import {
  type DraftErrors,
  type EditDraft,
  emptyDraft,
  isEmpty,
  noErrors,
  planCommand,
  sortRefusal,
  toEdit,
} from './edit-draft.ts'
import { SettingRows } from './SettingRows.tsx'

interface Planned {
  edit: Edit
  draft: EditDraft
  target: 'all' | undefined
}

interface EditFormProps {
  nodeId: string
  /** The list as it is in the node's file. */
  current: readonly string[]
  draft: EditDraft
  onDraft: (draft: EditDraft) => void
  onPlan: (plan: Plan | undefined) => void
}

/** What is to be different; nothing is written by it. */
export function EditForm({ nodeId, current, draft, onDraft, onPlan }: EditFormProps) {
  const { target } = useSearch({ from: '/node' })
  const navigate = useNavigate({ from: '/node' })
  const id = useId()
  const [errors, setErrors] = useState<DraftErrors>(noErrors)
  const { data: members } = useQuery(membersQuery)
  const refusal = useRefusal('operator')
  const nodes = target ?? [nodeId]
  const planning = useMutation({
    mutationFn: ({ edit }: Planned) => gateway.plan(edit, nodes),
    retry: false,
    onSuccess({ plan }, planned) {
      // What was typed meanwhile is not in it.
      if (planned.draft === draft && planned.target === target) onPlan(plan)
    },
    onError: (error, { edit }) =>
      setErrors(
        error instanceof RefusedError
          ? sortRefusal(error, edit)
          : { ...noErrors, form: [messageOf(error)] },
      ),
  })
  const change = (part: Partial<EditDraft>): void => {
    onDraft({ ...draft, ...part })
    // A plan is of what was typed before.
    onPlan(undefined)
  }
  const read = toEdit(draft, current)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setErrors('errors' in read ? read.errors : noErrors)
    if ('edit' in read) planning.mutate({ edit: read.edit, draft, target })
  }
  const inFile = current.join('\n')
  const addresses = (members?.members ?? []).flatMap(({ gossip_address }) => gossip_address ?? [])

  return (
    <form onSubmit={submit}>
      <Choice
        label="Whose files"
        value={target ?? 'one'}
        options={[
          { value: 'one', label: `only ${nodeId}` },
          { value: 'all', label: 'all nodes, one after the other' },
        ]}
        onChange={(value) => {
          onPlan(undefined)
          void navigate({
            search: ({ target: _target, ...rest }) =>
              value === 'all' ? { ...rest, target: value } : rest,
            replace: true,
          })
        }}
      />
      <div className={errors.hosts.length > 0 ? 'field wrong' : 'field'}>
        <label htmlFor={id}>Bootstrap list, one host a line</label>
        <textarea
          id={id}
          rows={6}
          spellCheck={false}
          autoComplete="off"
          className="mono"
          value={draft.hosts ?? inFile}
          aria-invalid={errors.hosts.length > 0}
          aria-describedby={`${id}-hint ${id}-errors`}
          onChange={({ target: { value } }) => change({ hosts: value })}
        />
        <p className="hint" id={`${id}-hint`}>
          10.0.0.1:8787, [fdaa::1]:8787, seeds.internal:8787 or seeds.internal, each with an
          optional @resolver.
          {(draft.hosts ?? inFile) === inFile ? ' As it is in the file.' : ' Changed here.'}
        </p>
        <div className="error" id={`${id}-errors`} aria-live="polite">
          {errors.hosts.map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      </div>
      <div className="row">
        <button
          type="button"
          disabled={addresses.length === 0}
          onClick={() => change({ hosts: addresses.join('\n') })}
        >
          All gossip addresses
        </button>
        <button
          type="button"
          disabled={isEmpty(draft)}
          onClick={() => {
            onDraft(emptyDraft)
            onPlan(undefined)
            setErrors(noErrors)
          }}
        >
          As in the file
        </button>
      </div>
      <SettingRows
        of={draft.settings}
        errors={errors.settings}
        onChange={(settings) => change({ settings })}
      />
      {errors.form.length > 0 && (
        <div className="note bad" role="alert">
          {errors.form.map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      )}
      <div className="row">
        <button
          type="submit"
          className="primary"
          disabled={planning.isPending || refusal !== undefined}
          title={refusal}
          aria-busy={planning.isPending}
        >
          {planning.isPending ? 'Asking the nodes …' : 'Plan'}
        </button>
        <span className="hint">
          Writes nothing: shows what would change, and what speaks against it.
        </span>
      </div>
      {'edit' in read && (
        <p className="hint node-command">
          <code>{planCommand(read.edit, nodes)}</code> <Copy text={planCommand(read.edit, nodes)} />
        </p>
      )}
    </form>
  )
}
