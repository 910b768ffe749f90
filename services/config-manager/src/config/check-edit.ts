import type { ConfigEdit } from '@corroport/contracts'
import { editToml, type TomlEdit } from './edit-toml.ts'
import { findHostProblems } from './hosts.ts'
import { checkSettings, findTraps } from './settings.ts'
import { parseToml } from './toml.ts'

export interface EditedText {
  /** As before, while there is a problem. */
  text: string
  problems: string[]
  warnings: string[]
}

/** What an edit makes of a file's text, or everything that is wrong with it. Throws on no TOML. */
export function checkEdit(before: string, edit: ConfigEdit): EditedText {
  const { table } = parseToml(before)
  const settings = checkSettings(edit.settings ?? {}, table)
  const edits: TomlEdit[] = [...settings.edits]
  const problems = [...settings.problems]
  const { warnings } = settings
  if (edit.bootstrap) {
    problems.push(...findHostProblems(edit.bootstrap))
    edits.push({ path: ['gossip', 'bootstrap'], value: edit.bootstrap })
  }
  if (edits.length === 0 && problems.length === 0) problems.push('the edit names nothing to change')
  if (problems.length > 0) return { text: before, problems, warnings }
  try {
    const text = editToml(before, edits)
    const known = findTraps(table)
    warnings.push(...findTraps(parseToml(text).table).filter((trap) => !known.includes(trap)))
    return { text, problems, warnings }
  } catch (error) {
    if (!Error.isError(error)) throw error
    return { text: before, problems: [error.message], warnings }
  }
}
