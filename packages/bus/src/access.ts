import type { ConnectionOptions } from '@nats-io/transport-node'

/** Where NATS is, and as whom it is used. */
export interface NatsAccess {
  url: string
  user?: string | undefined
  password?: string | undefined
}

/** The prefix of all replies to a user, so that no other user may be allowed to hear them. */
export function inboxOf(user: string | undefined): string {
  return user === undefined ? '_INBOX' : `_INBOX_${user}`
}

export function accessOptions({
  url,
  user,
  password,
}: NatsAccess): Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'inboxPrefix'> {
  const servers = url.split(',')
  return user !== undefined && password !== undefined
    ? { servers, user, pass: password, inboxPrefix: inboxOf(user) }
    : { servers }
}
