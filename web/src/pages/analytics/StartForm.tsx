import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { messageOf, RefusedError } from '../../api/errors.ts'
import { experiments } from '../../api/experiments.ts'
import { nodesQuery } from '../../api/queries.ts'
import { Choice, Field } from '../../components/Field.tsx'
import { Panel } from '../../components/Panel.tsx'
import { toast } from '../../components/toasts.ts'
import { formatDuration } from '../../format/time.ts'
import {
  emptyForm,
  nameOf,
  type PlanErrors,
  type PlanForm,
  parseInterval,
  planHints,
  readForm,
} from './plan-form.ts'

const transports = [
  { value: 'gossip', label: 'gossip: through Corrosion' },
  { value: 'direct', label: 'direct: straight over NATS' },
  { value: 'both', label: 'both, in turn' },
] as const

/** The plan of a new experiment. */
export function StartForm({ onStarted }: { onStarted: (id: string) => void }) {
  const [form, setForm] = useState(emptyForm)
  const [isTried, setTried] = useState(false)
  const queries = useQueryClient()
  const box = useRef<HTMLFormElement>(null)
  const create = useMutation({
    mutationFn: experiments.create,
    onSuccess: async ({ experiment: { id } }) => {
      toast('good', `${id} is started`)
      onStarted(id)
      await queries.invalidateQueries({ queryKey: ['experiments'] })
    },
  })
  useEffect(() => {
    box.current?.querySelector('input')?.focus()
  }, [])

  const read = readForm(form)
  const refused = create.error instanceof RefusedError ? create.error : undefined
  const errors: PlanErrors = {
    ...(refused && fieldsOf(refused)),
    ...(isTried && 'errors' in read ? read.errors : {}),
  }
  const change = (part: Partial<PlanForm>): void => {
    create.reset()
    setForm((old) => ({ ...old, ...part }))
  }
  const start = (): void => {
    setTried(true)
    if ('request' in read) create.mutate(read.request)
    else queueMicrotask(() => box.current?.querySelector<HTMLElement>('.wrong input')?.focus())
  }
  const text = (field: Exclude<keyof PlanForm, 'origins' | 'transport'>) => ({
    value: form[field],
    onChange: ({ target }: React.ChangeEvent<HTMLInputElement>) =>
      change({ [field]: target.value }),
  })
  const isUnplaced = create.isError && Object.keys(errors).length === 0

  return (
    <Panel title="New experiment">
      <form
        ref={box}
        id="start"
        onSubmit={(event) => {
          event.preventDefault()
          start()
        }}
      >
        <div className="analytics-form">
          <Field
            label="Name"
            hint={`for people; left empty: ${nameOf(form, Number(form.count) || 0, parseInterval(form.interval) ?? 0)}`}
            error={errors.name}
            {...text('name')}
          />
          <Choice
            label="Transport"
            value={form.transport}
            options={transports}
            onChange={(transport) => change({ transport })}
            hint="both see the same network, so they can be compared"
          />
          <Field
            label="Messages"
            inputMode="numeric"
            hint={planHints.count}
            error={errors.count}
            {...text('count')}
          />
          <Field
            label="Interval"
            hint={planHints.interval}
            error={errors.interval_ms}
            {...text('interval')}
          />
          <Field
            label="Payload"
            inputMode="numeric"
            hint={planHints.payload}
            error={errors.payload_bytes}
            {...text('payload')}
          />
          <Field
            label="Warm-up"
            inputMode="numeric"
            hint={planHints.warmup}
            error={errors.warmup}
            {...text('warmup')}
          />
          <Field
            label="Seed"
            inputMode="numeric"
            hint={planHints.seed}
            error={errors.seed}
            {...text('seed')}
          />
          <Field label="Id" hint={planHints.id} error={errors.id} {...text('id')} />
          <Field label="Note" hint={planHints.note} error={errors.note} {...text('note')} />
        </div>
        <Origins
          chosen={form.origins}
          error={errors.origins}
          onChange={(origins) => change({ origins })}
        />
        {isUnplaced && (
          <p className="note bad" role="alert">
            Not started: {messageOf(create.error)}
          </p>
        )}
        <div className="row">
          <button
            type="submit"
            className="primary"
            disabled={create.isPending}
            aria-busy={create.isPending}
          >
            Start
          </button>
          <span className="hint">{'request' in read ? outlookOf(form, read.sendingMs) : ''}</span>
        </div>
      </form>
    </Panel>
  )
}

/** Refusals name a field, at the beginning of their text where not in their list. */
function fieldsOf({ fields, message, status }: RefusedError): PlanErrors {
  if (Object.keys(fields).length > 0) return fields
  if (status === 409) return { id: message }
  const [, field] = /^(warmup|origins|count)\b/.exec(message) ?? []
  return field === undefined ? {} : { [field]: message }
}

function outlookOf({ count, transport }: PlanForm, sendingMs: number): string {
  if (Number(count) === 0)
    return 'Sends nothing itself: what is sent by hand is counted until it is stopped.'
  const messages = Number(count) * (transport === 'both' ? 2 : 1)
  return `Sends ${messages} messages in ${formatDuration(sendingMs)}.`
}

interface OriginsProps {
  chosen: readonly string[]
  error: string | undefined
  onChange: (origins: string[]) => void
}

function Origins({ chosen, error, onChange }: OriginsProps) {
  const { data, error: failure } = useQuery(nodesQuery)
  const nodes = data?.nodes ?? []
  const local = nodes.find((node) => node.is_local)?.node_id
  const toggle = (id: string, isChosen: boolean): void =>
    onChange(isChosen ? [...chosen, id] : chosen.filter((each) => each !== id))
  const present = nodes.filter(({ presence }) => presence === 'present')
  return (
    <fieldset className="analytics-origins" aria-describedby="origins-error">
      <legend>Origins</legend>
      {failure !== null && (
        <p className="note bad">The nodes are not known: {messageOf(failure)}</p>
      )}
      {nodes.map(({ node_id: id, presence }) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            onChange={({ target }) => toggle(id, target.checked)}
          />
          {id}
          {presence !== 'present' && <span className="hint"> {presence}</span>}
        </label>
      ))}
      <button
        type="button"
        className="quiet"
        onClick={() => onChange(present.map(({ node_id: id }) => id))}
      >
        All that are present
      </button>
      <p className="hint">
        They take turns.{' '}
        {chosen.length === 0 && `None chosen: ${local ?? 'the node of this page'} sends.`}
      </p>
      <p className="error" id="origins-error" aria-live="polite">
        {error}
      </p>
    </fieldset>
  )
}
