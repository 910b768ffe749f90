import { Badge } from '../../components/Badge.tsx'
import { Copy } from '../../components/Copy.tsx'
import { Time } from '../../components/Time.tsx'
import { formatted, type LoggedEvent } from './event-log.ts'

interface EventRowProps {
  event: LoggedEvent
  isOpen: boolean
  onToggle: () => void
}

const previewLength = 300

/** One event on a line; opened, the whole of it. */
export function EventRow({ event, isOpen, onToggle }: EventRowProps) {
  const { at, subject, violation, isHint, text } = event
  return (
    <>
      <button
        type="button"
        className="events-line"
        // By arrows from the list on: with thousands of stops the end of the page is out of reach.
        tabIndex={-1}
        aria-expanded={isOpen}
        onClick={onToggle}
      >
        <span className="events-time">
          <Time at={at} />
        </span>
        <span className="events-subject">
          {violation !== undefined && <Badge tone="bad">invalid</Badge>}
          {isHint && <Badge tone="quiet">hint</Badge>} {subject}
        </span>
        <span className="events-payload">
          {violation !== undefined && <strong className="events-broken">{violation} </strong>}
          {text.slice(0, previewLength)}
        </span>
      </button>
      {isOpen && (
        <div className="events-whole">
          <p>
            <Time at={at} withDate /> <code>{subject}</code>{' '}
            <Copy label="Copy as JSON" text={asJson(event)} />
          </p>
          {violation !== undefined && <p className="note bad">Breaks its contract: {violation}</p>}
          <pre>{formatted(text)}</pre>
        </div>
      )}
    </>
  )
}

function asJson({ at, subject, violation, text }: LoggedEvent): string {
  const payload: unknown = JSON.parse(text)
  return JSON.stringify({ at: new Date(at).toISOString(), subject, violation, payload }, null, 2)
}
