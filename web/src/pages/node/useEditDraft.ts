import { useState } from 'react'
import { keepDraft, readDraft } from '../../shell/kept-drafts.ts'
import { type EditDraft, isEmpty, readEditDraft } from './edit-draft.ts'

/** What is typed for one node: there again after a reload, and after a look at another page. */
export function useEditDraft(nodeId: string): [EditDraft, (draft: EditDraft) => void] {
  const name = `edit.${nodeId}`
  const [draft, setDraft] = useState(() => readEditDraft(readDraft(name)))
  return [
    draft,
    (next) => {
      setDraft(next)
      keepDraft(name, isEmpty(next) ? undefined : next)
    },
  ]
}
