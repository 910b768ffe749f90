import type { ClusterStatus } from '@corroport/contracts'
import type { Logger } from 'pino'

/** Tells each change of what a status says, once, when it is first seen. */
export function createChangeTeller(
  log: Logger,
  onChange: (what: string) => void,
): (status: ClusterStatus) => void {
  const known = new Map<string, string>()
  return (status) => {
    for (const { what, subject, value } of watched(status)) {
      const from = known.get(subject)
      known.set(subject, value)
      if (from === undefined || from === value) continue
      log.info({ what, subject, from, to: value }, 'cluster changed')
      onChange(what)
    }
  }
}

function watched({ overall, planes }: ClusterStatus) {
  const { corrosion, nats, postgres } = planes
  const plane = (subject: string, value: string) => ({ what: 'plane', subject, value })
  return [
    { what: 'overall', subject: 'overall', value: overall },
    plane('corrosion', corrosion.state),
    plane('nats', nats.state),
    plane('postgres', postgres.state),
    ...unlessUnknown('jetstream writable', 'jetstream', nats.jetstream.is_writable),
    ...nats.jetstream.streams.flatMap(({ name, leader }) =>
      unlessUnknown('stream leader', name, leader),
    ),
    ...(postgres.role === 'unknown'
      ? []
      : unlessUnknown('postgres role', 'postgres role', postgres.role)),
  ]
}

/** What is not known has not changed. */
function unlessUnknown(what: string, subject: string, value: string | boolean | null) {
  return value === null ? [] : [{ what, subject, value: String(value) }]
}
