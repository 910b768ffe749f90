import { clockAlarmMs } from '@corroport/contracts'

/** What the figures of the page say, and what they do not. */
export function ClockMeaning() {
  return (
    <details className="clocks-meaning">
      <summary>What these figures mean</summary>
      <dl>
        <dt>Offset</dt>
        <dd>
          A node’s clock less the one of analytics. Eight probes are sent over NATS, with four times
          each; the one with the shortest round trip counts.
        </dd>
        <dt>Bound</dt>
        <dd>Half of that round trip. The true offset lies within offset ± bound.</dd>
        <dt>Drift</dt>
        <dd>
          Microseconds a second that the clock gains on the one of analytics; negative when it falls
          behind.
        </dd>
        <dt>Surely apart</dt>
        <dd>
          By how much two clocks differ when both bounds are taken in their favour. More than{' '}
          {clockAlarmMs} ms is an alarm.
        </dd>
        <dt>Alarm</dt>
        <dd>
          Corrosion refuses a change whose time is more than {clockAlarmMs} ms ahead of its own
          clock. The writes of a node that is ahead do not reach the others until its clock is set
          right: look at its time service (chrony, systemd-timesyncd).
        </dd>
        <dt>Not known</dt>
        <dd>
          The node did not answer the last comparison. The figures beside it are its last ones.
        </dd>
      </dl>
    </details>
  )
}
