import type { AuditNoted } from '@corroport/contracts'

export const outcomes = ['carried out', 'refused', 'failed'] as const
export type Outcome = (typeof outcomes)[number]

export function outcomeOf(status: number): Outcome {
  if (status < 400) return 'carried out'
  return status < 500 ? 'refused' : 'failed'
}

interface AuditFilter {
  who?: string | undefined
  action?: string | undefined
  outcome?: Outcome | undefined
}

/** Whether a note has these words in it; a part is enough, and case makes no difference. */
export function fits(note: AuditNoted, { who = '', action = '', outcome }: AuditFilter): boolean {
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase())
  return (
    has(note.by ?? 'nobody known', who) &&
    has(`${note.action} ${note.target ?? ''}`, action) &&
    (outcome === undefined || outcomeOf(note.status) === outcome)
  )
}
