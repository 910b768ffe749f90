import { type ReactNode, useState } from 'react'
import { messageOf } from '../api/errors.ts'
import { Dialog } from './Dialog.tsx'
import { Field } from './Field.tsx'
import { toast } from './toasts.ts'
import { useIsGone } from './useIsGone.ts'

interface ConfirmProps {
  title: string
  /** What will happen, and whether it can be undone. */
  children: ReactNode
  /** The word on the button: "Restart node2". */
  action: string
  /** Has to be typed, for what hurts more than one node. */
  typed?: string
  isDangerous?: boolean
  onConfirm: () => Promise<unknown>
  onClose: () => void
}

/** Asks before something is done, and stays open with the reason when that is refused. */
export function Confirm(props: ConfirmProps) {
  const { title, children, action, typed, isDangerous = false, onConfirm, onClose } = props
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const isGone = useIsGone()
  const isReady = typed === undefined || text === typed

  const confirm = async (): Promise<void> => {
    if (!isReady) {
      setError(`type ${typed} to go on`)
      return
    }
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      if (!isGone()) onClose()
    } catch (failure) {
      if (isGone()) toast('bad', `${title}: ${messageOf(failure)}`)
      setError(messageOf(failure))
      setBusy(false)
    }
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        {children}
        {typed !== undefined && (
          <Field
            label={`Type ${typed} to confirm`}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        )}
        {error !== undefined && (
          <p className="note bad" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={isDangerous ? 'danger' : 'primary'}
            disabled={isBusy}
            aria-busy={isBusy}
          >
            {action}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
