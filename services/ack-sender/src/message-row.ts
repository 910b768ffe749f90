import { type ChangeObserved, MessageId, NodeId } from '@corroport/contracts'
import { Compile } from 'typebox/compile'

/** What a row of node_messages says. Anyone with access to the database may have written it. */
export type MessageRow =
  | {
      kind: 'message'
      messageId: string
      originNodeId: string
      /** Compared with what its node announced; never contacted. Empty: claims nothing. */
      claimedEndpoint: string
    }
  | { kind: 'own' }
  | { kind: 'suspect'; messageId: string; reason: string }

const nodeIds = Compile(NodeId)
const messageIds = Compile(MessageId)

const longestShown = 128
const longestClaim = 260

/** Reads a row that is not deleted. */
export function readMessageRow(
  { key, row, omittedBytes }: Pick<ChangeObserved, 'key' | 'row' | 'omittedBytes'>,
  nodeId: string,
): MessageRow {
  const [pk] = key
  const suspect = (reason: string): MessageRow => ({
    kind: 'suspect',
    messageId: JSON.stringify(pk).replace(/^"|"$/g, '').slice(0, longestShown),
    reason,
  })
  if (typeof pk !== 'string' || key.length !== 1) return suspect('its key is not text')
  if (!messageIds.Check(pk)) return suspect('its key is no id')
  if (!row) return suspect(`its row was left out: ${omittedBytes ?? 'too many'} bytes`)
  const originNodeId = row.node_id
  if (!nodeIds.Check(originNodeId)) return suspect('its node_id is no node id')
  if (!pk.startsWith(`${originNodeId}_`)) return suspect('its key does not begin with its node_id')
  if (originNodeId === nodeId) return { kind: 'own' }
  const endpoint = row.originating_endpoint
  return {
    kind: 'message',
    messageId: pk,
    originNodeId,
    claimedEndpoint: typeof endpoint === 'string' ? endpoint.slice(0, longestClaim) : '',
  }
}
