import { Link } from '@tanstack/react-router'
import { State } from '../../components/Badge.tsx'
import { type Figure, Figures } from '../../components/Figures.tsx'
import { Time } from '../../components/Time.tsx'
import { formatDuration } from '../../format/time.ts'
import { type Arrival, type Journey, missingOf, namesOf } from './journey.ts'

/** Who has the message, who was first and last, and who has it not. */
export function JourneyFigures({ journey }: { journey: Journey }) {
  const { messageId, origin, transport, sentAt, state, reason, expected, acks } = journey
  const missing = missingOf(journey)
  return (
    <>
      <p>
        <Link to="/messages" search={{ message: messageId }} className="mono">
          {messageId}
        </Link>{' '}
        from {origin} by {transport}, <Time at={sentAt} withDate /> <State of={state} />
        {reason !== null && ` ${reason}`}
      </p>
      <Figures
        of={[
          { label: 'Acknowledged', value: `${acks.length} of ${expected.length}` },
          { label: 'Missing', value: missing.length === 0 ? 'nobody' : namesOf(missing) },
          arrivalOf('First', acks[0]),
          arrivalOf('Last', acks.at(-1)),
        ]}
      />
    </>
  )
}

function arrivalOf(label: string, ack: Arrival | undefined): Figure {
  if (!ack) return { label, value: 'nobody yet' }
  return { label, value: formatDuration(ack.roundTripMs), note: `${ack.nodeId}, round trip` }
}
