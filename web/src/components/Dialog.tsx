import { type ReactNode, useEffect, useId, useRef } from 'react'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  className?: string
}

/** A window over the page; the browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    // React's autoFocus comes before a dialog can take it; the browser's own choice is to close it.
    element.current
      ?.querySelector<HTMLElement>('input, select, textarea, button.primary, button.danger')
      ?.focus()
    return () => {
      // A dialog that is taken away was not closed: of that the browser does not give it back.
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      className={className}
      aria-labelledby={id}
      onClose={onClose}
      // A click beside it closes it, where the browser knows that.
      closedby="any"
    >
      <div className="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            className="quiet"
            aria-label="Close"
            onClick={() => element.current?.close()}
          >
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
