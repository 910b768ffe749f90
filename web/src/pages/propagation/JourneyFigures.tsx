import { Link } from '@tanstack/react-router'
import { State } from '../../components/Badge.tsx'
import { Time } from '../../components/Time.tsx'
import { formatDuration } from '../../format/time.ts'
import { type Journey, missingOf, namesOf } from './journey.ts'

/** Who has the message, who was first and last, and who has it not. */
export function JourneyFigures({ journey }: { journey: Journey }) {
  const { messageId, origin, transport, sentAt, state, reason, expected, acks } = journey
  const missing = missingOf(journey)
  const [first, last] = [acks[0], acks.at(-1)]
  return (
    <>
      <p>
        <Link to="/messages" search={{ message: messageId }} className="mono">
          {messageId}
        </Link>{' '}
        from {origin} by {transport}, <Time at={sentAt} withDate /> <State of={state} />
        {reason !== null && ` ${reason}`}
      </p>
      <dl className="figures">
        <div>
          <dt>Acknowledged</dt>
          <dd>
            {acks.length} of {expected.length}
          </dd>
        </div>
        <div>
          <dt>Missing</dt>
          <dd>{missing.length === 0 ? 'nobody' : namesOf(missing)}</dd>
        </div>
        <div>
          <dt>First</dt>
          <dd>{first ? <Arrived {...first} /> : 'nobody yet'}</dd>
        </div>
        <div>
          <dt>Last</dt>
          <dd>{last ? <Arrived {...last} /> : 'nobody yet'}</dd>
        </div>
      </dl>
    </>
  )
}

function Arrived({ nodeId, roundTripMs }: { nodeId: string; roundTripMs: number }) {
  return (
    <>
      {formatDuration(roundTripMs)}
      <small>{nodeId}, round trip</small>
    </>
  )
}
