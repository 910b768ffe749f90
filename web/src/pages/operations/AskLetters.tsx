import { useQueryClient } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { actOnEach } from './act-on-each.ts'

/** What is to be done with which letters. */
export interface Asked {
  action: 'redrive' | 'delete'
  sequences: readonly number[]
}

interface AskLettersProps extends Asked {
  onDone: (sequences: readonly number[]) => void
  onClose: () => void
}

/** Asks before letters are redriven or thrown away, and says what of it was refused. */
export function AskLetters({ action, sequences, onDone, onClose }: AskLettersProps) {
  const queries = useQueryClient()
  const count = sequences.length
  const letters = count === 1 ? 'the letter' : `${count} letters`
  const isDelete = action === 'delete'
  const act = async (): Promise<void> => {
    const ask = isDelete ? gateway.deleteDeadLetter : gateway.redrive
    const { done, refused } = await actOnEach(sequences, ask)
    onDone(done)
    await queries.invalidateQueries({ queryKey: ['dead-letters'] })
    const [first] = refused
    if (first) {
      throw new Error(`${done.length} of ${count} done; letter ${first.sequence}: ${first.reason}`)
    }
    toast('good', `${letters} ${isDelete ? 'deleted' : 'redriven'}`)
  }
  return (
    <Confirm
      title={`${isDelete ? 'Delete' : 'Redrive'} ${letters}`}
      action={isDelete ? 'Delete' : 'Redrive'}
      isDangerous={isDelete}
      {...(isDelete && count > 1 ? { typed: `delete ${count}` } : {})}
      onConfirm={act}
      onClose={onClose}
    >
      {isDelete ? (
        <p>The record is gone then, with the reason why it was refused. It cannot be undone.</p>
      ) : (
        <p>
          The record is told once more under its subject; every service that hears it handles it
          again, as if it were new. What made its handler refuse it should be mended first.
        </p>
      )}
    </Confirm>
  )
}
