import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { Dialog } from '../../components/Dialog.tsx'
import { toast } from '../../components/toasts.ts'
import { formatBytes, formatCount } from '../../format/number.ts'
import { importFile } from './import-file.ts'

interface ImportDialogProps {
  onImported: (id: string) => void
  onClose: () => void
}

type State =
  | { name: 'choosing' }
  | { name: 'sending'; stored: number }
  | { name: 'failed'; reason: string }

/** Takes an experiment that was exported here or elsewhere. */
export function ImportDialog({ onImported, onClose }: ImportDialogProps) {
  const [file, setFile] = useState<File>()
  const [state, setState] = useState<State>({ name: 'choosing' })
  const queries = useQueryClient()
  const running = useRef<AbortController>(undefined)
  const id = useId()
  useEffect(() => () => running.current?.abort(), [])

  const send = async (chosen: File): Promise<void> => {
    const controller = new AbortController()
    running.current = controller
    setState({ name: 'sending', stored: 0 })
    try {
      const experiment = await importFile(chosen, {
        signal: controller.signal,
        onStored: (stored) => setState({ name: 'sending', stored }),
      })
      toast('good', `${experiment.id} is imported`)
      onImported(experiment.id)
      onClose()
      await queries.invalidateQueries({ queryKey: ['experiments'] })
    } catch (error) {
      // A click beside the window closes it, too.
      if (controller.signal.aborted) toast('info', `the import of ${chosen.name} was cancelled`)
      else setState({ name: 'failed', reason: messageOf(error) })
    }
  }
  const isSending = state.name === 'sending'

  return (
    <Dialog title="Import an experiment" onClose={onClose} className="analytics-import">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (file) void send(file)
          else setState({ name: 'failed', reason: 'choose a file first' })
        }}
      >
        <div className="field">
          <label htmlFor={id}>File</label>
          <input
            id={id}
            type="file"
            accept=".ndjson,.jsonl,.json"
            disabled={isSending}
            aria-describedby={`${id}-hint`}
            onChange={({ target }) => {
              setFile(target.files?.[0])
              setState({ name: 'choosing' })
            }}
          />
          <p className="hint" id={`${id}-hint`}>
            An export of records (NDJSON), or a JSON export, ours or of the first CorroPort. Bundles
            are taken by <code>corroport experiment import</code>. Figures are computed anew; the id
            of the experiment must be free.
          </p>
        </div>
        {isSending && (
          <p aria-live="polite">
            <progress aria-label="sending" />
            {formatCount(state.stored)} records are stored
            {file && ` of a file of ${formatBytes(file.size)}`}. Nothing can be seen before the last
            one is.
          </p>
        )}
        {state.name === 'failed' && (
          <p className="note bad" role="alert">
            Not imported: {state.reason}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={isSending} aria-busy={isSending}>
            Import
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
