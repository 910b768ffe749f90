import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { isPassing, messageOf } from '../../api/errors.ts'
import { experiments } from '../../api/experiments.ts'
import { Choice, Field } from '../../components/Field.tsx'
import { Panel } from '../../components/Panel.tsx'
import { toast } from '../../components/toasts.ts'
import { useIsGone } from '../../components/useIsGone.ts'
import { formatDuration } from '../../format/time.ts'
import { keepDraft, readDraft } from '../../shell/kept-drafts.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { Origins } from './Origins.tsx'
import {
  emptyForm,
  mendForm,
  nameOf,
  type PlanErrors,
  type PlanForm,
  parseInterval,
  planHints,
  readForm,
  readRefusal,
} from './plan-form.ts'

const draftName = 'experiment'
const transports = [
  { value: 'gossip', label: 'gossip: through Corrosion' },
  { value: 'direct', label: 'direct: straight over NATS' },
  { value: 'both', label: 'both, in turn' },
] as const

const fields = [
  ['count', 'Messages', 'count', 'numeric'],
  ['interval', 'Interval', 'interval_ms', 'text'],
  ['payload', 'Payload', 'payload_bytes', 'numeric'],
  ['warmup', 'Warm-up', 'warmup', 'numeric'],
  ['seed', 'Seed', 'seed', 'numeric'],
  ['id', 'Id', 'id', 'text'],
  ['note', 'Note', 'note', 'text'],
] as const

/** The plan of a new experiment. */
export function StartForm({ onStarted }: { onStarted: (id: string) => void }) {
  const [form, setForm] = useState(() => mendForm(readDraft(draftName)))
  const [isTried, setTried] = useState(false)
  const refusal = useRefusal('operator')
  const isGone = useIsGone()
  const queries = useQueryClient()
  const box = useRef<HTMLFormElement>(null)
  const create = useMutation({
    mutationFn: experiments.create,
    onSuccess: async ({ experiment: { id } }) => {
      keepDraft(draftName, undefined)
      toast('good', `${id} is started`)
      if (!isGone()) onStarted(id)
      await queries.invalidateQueries({ queryKey: ['experiments'] })
    },
    onError: (error) => {
      if (isGone()) toast('bad', whyNot(error))
    },
  })
  useEffect(() => {
    box.current?.querySelector('input')?.focus()
  }, [])

  const read = readForm(form)
  const refused = create.error === null ? undefined : readRefusal(create.error)
  const errors: PlanErrors = {
    ...refused?.errors,
    ...(isTried && 'errors' in read ? read.errors : {}),
  }
  const write = (next: PlanForm): void => {
    // What is under way has still to say how it ended.
    if (!create.isPending) create.reset()
    setForm(next)
    keepDraft(draftName, next)
  }
  const change = (part: Partial<PlanForm>): void => write({ ...form, ...part })
  const isTyped = JSON.stringify(form) !== JSON.stringify(emptyForm)
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
          {fields.map(([field, label, error, inputMode]) => (
            <Field
              key={field}
              label={label}
              inputMode={inputMode}
              hint={planHints[field]}
              error={errors[error]}
              {...text(field)}
            />
          ))}
        </div>
        <Origins
          chosen={form.origins}
          error={errors.origins}
          onChange={(origins) => change({ origins })}
        />
        {refused?.isPlaced === false && create.error && (
          <p className="note bad" role="alert">
            {whyNot(create.error)}
          </p>
        )}
        <div className="row">
          <button
            type="submit"
            className="primary"
            disabled={create.isPending || refusal !== undefined}
            title={refusal}
            aria-busy={create.isPending}
          >
            Start
          </button>
          {isTyped && (
            <button type="button" className="quiet" onClick={() => write(emptyForm)}>
              Back to the defaults
            </button>
          )}
          <span className="hint">{'request' in read ? outlookOf(form, read.sendingMs) : ''}</span>
        </div>
      </form>
    </Panel>
  )
}

/** Where no answer came, or none of analytics, it may have been started all the same. */
function whyNot(error: Error): string {
  return isPassing(error)
    ? `It may not have been started: ${messageOf(error)}. Look whether it is in the list before you try again.`
    : `Not started: ${messageOf(error)}`
}

function outlookOf({ count, transport }: PlanForm, sendingMs: number): string {
  if (Number(count) === 0)
    return 'Sends nothing itself: what is sent by hand is counted until it is stopped.'
  const messages = Number(count) * (transport === 'both' ? 2 : 1)
  return `Sends ${messages} messages in ${formatDuration(sendingMs)}.`
}
