import { type ExperimentRequest, experimentDefaults, planLimits } from '@corroport/contracts'
import { RefusedError } from '../../api/errors.ts'

/** What is typed, as it is typed. */
export interface PlanForm {
  name: string
  id: string
  note: string
  transport: 'gossip' | 'direct' | 'both'
  /** None: the node that is asked. */
  origins: readonly string[]
  count: string
  interval: string
  payload: string
  warmup: string
  seed: string
}

export const emptyForm: PlanForm = {
  name: '',
  id: '',
  note: experimentDefaults.note,
  transport: experimentDefaults.transport,
  origins: [],
  count: String(experimentDefaults.count),
  interval: `${experimentDefaults.interval_ms}ms`,
  payload: String(experimentDefaults.payload_bytes),
  warmup: String(experimentDefaults.warmup),
  seed: '',
}

/** Of a form that was kept, perhaps by another version, the fields that still fit. */
export function mendForm(kept: unknown): PlanForm {
  const { transport, origins, ...given } = Object(kept) as Partial<Record<string, unknown>>
  const texts = Object.entries(given).filter(
    ([name, text]) => Object.hasOwn(emptyForm, name) && typeof text === 'string',
  )
  return {
    ...emptyForm,
    ...Object.fromEntries(texts),
    ...(transport === 'direct' || transport === 'both' ? { transport } : {}),
    ...(Array.isArray(origins) ? { origins: origins.filter((id) => typeof id === 'string') } : {}),
  }
}

/** Errors by the names that the API has for the fields. */
export type PlanErrors = Partial<Record<keyof ExperimentRequest, string>>

const grouped = new Intl.NumberFormat('en-US')
const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const longestMs = 24 * 3_600_000

/** What stands beside each field. */
export const planHints = {
  count: `of each transport, warm-up included: 0 to ${grouped.format(planLimits.count.maximum)}; 0: whatever is sent from these nodes until it is stopped`,
  interval: `between two messages, 1ms to 1h, such as 100ms, 2s or 1m; one leaves every interval, whatever the number of origins and transports`,
  payload: `bytes of each message: 1 to ${grouped.format(planLimits.payload_bytes.maximum)}`,
  warmup: `of these messages, that are sent first and not counted: 0 to ${grouped.format(planLimits.warmup.maximum)}, fewer than the messages`,
  seed: `of the order of transports and of the contents: 0 to ${grouped.format(planLimits.seed.maximum)}; left empty, one is drawn`,
  id: 'for programs: letters, digits, - and _, 64 at most; left empty, it is made of the name',
  note: `kept with it: ${grouped.format(planLimits.note.maxLength)} characters at most`,
} as const

/** The request that the form means, or what is wrong with its fields and what would be right. */
export function readForm(
  form: PlanForm,
): { request: ExperimentRequest; sendingMs: number } | { errors: PlanErrors } {
  const errors: PlanErrors = {}
  const whole = (field: 'count' | 'payload_bytes' | 'warmup' | 'seed', text: string): number => {
    const { minimum, maximum } = planLimits[field]
    const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    errors[field] = `give a whole number from ${minimum} to ${grouped.format(maximum)}`
    return minimum
  }
  const count = whole('count', form.count)
  const payloadBytes = whole('payload_bytes', form.payload)
  const warmup = whole('warmup', form.warmup)
  const seed = form.seed.trim() === '' ? undefined : whole('seed', form.seed)
  const intervalMs = parseInterval(form.interval)
  if (intervalMs === undefined) errors.interval_ms = 'give a time from 1ms to 1h, such as 100ms'
  if (!errors.count && !errors.warmup && count > 0 && warmup >= count) {
    errors.warmup = `must be less than ${count}, the messages: else nothing is measured`
  }
  const id = form.id.trim()
  if (id !== '' && (!/^[a-zA-Z0-9_-]{1,64}$/.test(id) || id === 'compare')) {
    errors.id = 'give letters, digits, - and _, 64 at most, and not the word compare'
  }
  const name = form.name.trim() || nameOf(form, count, intervalMs ?? 0)
  if (name.length > planLimits.name.maxLength) {
    errors.name = `is ${name.length} characters long: ${planLimits.name.maxLength} at most`
  }
  if (form.note.length > planLimits.note.maxLength) {
    errors.note = `is ${form.note.length} characters long: ${planLimits.note.maxLength} at most`
  }
  const sendingMs = count * (form.transport === 'both' ? 2 : 1) * (intervalMs ?? 0)
  if (sendingMs > longestMs) {
    errors.count ??= 'it would send for more than a day: fewer messages, or a shorter interval'
  }
  if (Object.keys(errors).length > 0 || intervalMs === undefined) return { errors }
  const request: ExperimentRequest = {
    name,
    transport: form.transport,
    count,
    interval_ms: intervalMs,
    payload_bytes: payloadBytes,
    warmup,
    ...(id === '' ? {} : { id }),
    ...(form.note === '' ? {} : { note: form.note }),
    ...(form.origins.length === 0 ? {} : { origins: [...form.origins] }),
    ...(seed === undefined ? {} : { seed }),
  }
  return { request, sendingMs }
}

const shownFields = [
  'name',
  'id',
  'note',
  'origins',
  'count',
  'interval_ms',
  'payload_bytes',
  'warmup',
  'seed',
] as const

/** What an error says of single fields; `isPlaced`: nothing else is to be said of it. */
export function readRefusal(error: Error): { errors: PlanErrors; isPlaced: boolean } {
  if (!(error instanceof RefusedError)) return { errors: {}, isPlaced: false }
  const { status, fields, message } = error
  const named = Object.entries(fields)
  // Refusals of analytics name a field at the beginning of their text, if at all.
  const [, first] = /^(warmup|origins|count)\b/.exec(message) ?? []
  if (named.length === 0) named.push([status === 409 ? 'id' : (first ?? ''), message])
  const placed = named.flatMap(([path, text]) => {
    const field = shownFields.find((shown) => shown === path.split('.')[0])
    return field === undefined ? [] : [[field, text]]
  })
  return { errors: Object.fromEntries(placed), isPlaced: placed.length === named.length }
}

/** The name of an experiment that nobody named. */
export function nameOf(
  { transport }: Pick<PlanForm, 'transport'>,
  count: number,
  intervalMs: number,
): string {
  return `${transport} ${count === 0 ? 'by hand' : `${count} × ${intervalMs} ms`}`
}

/** `100ms`, `2s`, `1m`; a number alone is milliseconds. */
export function parseInterval(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h)?$/.exec(text.trim()) ?? []
  const ms = Number(amount) * (unitsMs[unit] ?? Number.NaN)
  const { minimum, maximum } = planLimits.interval_ms
  return ms >= minimum && ms <= maximum ? ms : undefined
}
