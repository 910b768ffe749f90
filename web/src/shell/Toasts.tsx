import { Time } from '../components/Time.tsx'
import { dismiss, useToastHistory, useToasts } from '../components/toasts.ts'

// More would cover the page; a part that is down fails many things.
const mostShown = 5

/** What happened lately, over the page. */
export function Toasts() {
  const toasts = useToasts()
  const older = Math.max(0, toasts.length - mostShown)
  return (
    <output className="toasts" aria-live="polite">
      {older > 0 && <p className="toast info">{older} more wait behind these.</p>}
      {toasts.slice(-mostShown).map(({ id, tone, text, undo }) => (
        <div key={id} className={`toast ${tone}`}>
          <p>{text}</p>
          {undo && (
            <button
              type="button"
              onClick={() => {
                dismiss(id)
                undo.run()
              }}
            >
              {undo.label}
            </button>
          )}
          <button type="button" className="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ✕
          </button>
        </div>
      ))}
    </output>
  )
}

/** What was said since the page was opened. */
export function ToastHistory() {
  const history = useToastHistory()
  if (history.length === 0) return <p className="empty">Nothing was said yet.</p>
  return (
    <ul className="history">
      {history.map(({ id, tone, text, at }) => (
        <li key={id} className={tone}>
          <Time at={at} /> {text}
        </li>
      ))}
    </ul>
  )
}
