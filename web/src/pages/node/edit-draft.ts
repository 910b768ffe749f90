import type { RefusedError } from '../../api/errors.ts'
import type { Edit } from '../../api/gateway.ts'
import { shellCommand } from '../../format/shell.ts'

export interface SettingDraft {
  /** Tells rows of the form apart. */
  key: number
  name: string
  value: string
  isRemoved: boolean
}

/** What was typed and not planned yet. */
export interface EditDraft {
  /** One host a line; undefined: nobody has typed. */
  hosts: string | undefined
  settings: readonly SettingDraft[]
}

export const emptyDraft: EditDraft = { hosts: undefined, settings: [] }

export function isEmpty({ hosts, settings }: EditDraft): boolean {
  return hosts === undefined && settings.length === 0
}

/** A draft of before a reload; what is none is an empty one. */
export function readEditDraft(kept: unknown): EditDraft {
  if (typeof kept !== 'object' || kept === null) return emptyDraft
  const { hosts, settings } = kept as { [Key in keyof EditDraft]?: unknown }
  const rows: unknown[] = Array.isArray(settings) ? settings : []
  return {
    hosts: typeof hosts === 'string' ? hosts : undefined,
    settings: rows.flatMap((row, index) => readSetting(row, index + 1) ?? []),
  }
}

function readSetting(row: unknown, key: number): SettingDraft | undefined {
  if (typeof row !== 'object' || row === null) return undefined
  const { name, value, isRemoved } = row as { [Key in keyof SettingDraft]?: unknown }
  if (typeof name !== 'string' || typeof value !== 'string') return undefined
  return { key, name, value, isRemoved: isRemoved === true }
}

export interface DraftErrors {
  hosts: string[]
  settings: string[]
  form: string[]
}

export const noErrors: DraftErrors = { hosts: [], settings: [], form: [] }

type Value = NonNullable<Edit['settings']>[string]

/** What the draft asks for; or what is wrong with it, all at once. */
export function toEdit(
  { hosts, settings }: EditDraft,
  current: readonly string[],
): { edit: Edit } | { errors: DraftErrors } {
  const wrong: string[] = []
  const values = new Map<string, Value>()
  for (const { name, value, isRemoved } of settings) {
    const given = name.trim()
    const read = isRemoved ? null : parseValue(value)
    if (given === '') wrong.push('a setting has no name: such as perf.min_sync_backoff')
    else if (values.has(given)) wrong.push(`${given} is there twice`)
    else if (read === undefined) {
      wrong.push(`${given} must be a text, a number, true, false, or a list of texts`)
    } else values.set(given, read)
  }
  if (wrong.length > 0) return { errors: { ...noErrors, settings: wrong } }
  const isListMeant = hosts !== undefined || values.size === 0
  return {
    edit: {
      ...(isListMeant ? { bootstrap: hosts === undefined ? [...current] : parseHosts(hosts) } : {}),
      ...(values.size > 0 ? { settings: Object.fromEntries(values) } : {}),
    },
  }
}

/** One a line. */
export function parseHosts(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** JSON where it is such, otherwise text; undefined for what no setting can be. */
export function parseValue(text: string): Value | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text // as it stands, like the command line has it
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string')
  return isList ? (value as string[]) : undefined
}

/** Which field each part of a refusal belongs to. */
export function sortRefusal({ message, fields, problems }: RefusedError, edit: Edit): DraftErrors {
  const errors: DraftErrors = { hosts: [], settings: [], form: [] }
  for (const [path, text] of Object.entries(fields)) {
    const [field, place] = path.split('.')
    const host = edit.bootstrap?.[Number(place)]
    if (field === 'bootstrap') errors.hosts.push(host === undefined ? text : `${host} ${text}`)
    else if (field === 'settings') errors.settings.push(`${path.slice(9)} ${text}`)
    else errors.form.push(`${path} ${text}`)
  }
  for (const problem of problems) {
    const isOfHost = edit.bootstrap?.some((host) => problem.startsWith(JSON.stringify(host)))
    errors[isOfHost ? 'hosts' : 'form'].push(problem)
  }
  const isSaid = Object.values(errors).some((each) => each.length > 0)
  return isSaid ? errors : { ...errors, form: [message] }
}

/** The same as a command for a shell. */
export function planCommand(edit: Edit, nodes: 'all' | string[]): string {
  const settings = Object.entries(edit.settings ?? {}).flatMap(([name, value]) =>
    value === null ? ['--unset', name] : ['--set', `${name}=${JSON.stringify(value)}`],
  )
  return shellCommand([
    'npx',
    'corroport',
    'config',
    'plan',
    ...(edit.bootstrap ? ['--bootstrap', edit.bootstrap.join(',')] : []),
    ...settings,
    ...(nodes === 'all' ? [] : ['--nodes', nodes.join(',')]),
  ])
}
