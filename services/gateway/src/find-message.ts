import type { Bus } from '@corroport/bus'
import { type MessageDetail, messageDetailQueried } from '@corroport/contracts'
import { notAnsweredBy } from './errors.ts'
import type { Roster } from './roster.ts'
import type { Tracker } from './tracker.ts'

export interface FindMessageDeps {
  config: { nodeId: string }
  bus: Bus
  roster: Pick<Roster, 'nodeIds'>
  tracker: Pick<Tracker, 'detail'>
}

/** What its origin knows of a message; null where nobody tracks it. Throws while the origin is away. */
export async function findMessage(
  { config, bus, roster, tracker }: FindMessageDeps,
  pk: string,
): Promise<MessageDetail | null> {
  const origin = originOf(pk)
  if (origin === config.nodeId) return tracker.detail(pk)
  if (!roster.nodeIds().includes(origin)) return null
  const { message } = await bus
    .request(messageDetailQueried, { nodeId: origin }, { messageId: pk })
    .catch(notAnsweredBy(`${origin}, which sent it,`))
  return message
}

/** `<node_id>_<ULID>`. */
export function originOf(pk: string): string {
  return pk.slice(0, Math.max(0, pk.lastIndexOf('_')))
}
