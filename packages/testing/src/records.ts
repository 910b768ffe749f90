import { type Bus, readStream } from '@corroport/bus'
import {
  ackReceived,
  changeObserved,
  messageAccepted,
  messageReceived,
  type RecordDefinition,
} from '@corroport/contracts'

/** How often each fact is told in the streams: `<node> <message>` → times. */
export interface RecordCounts {
  /** change.observed of node_messages, by observing node. */
  observed: Map<string, number>
  /** message.received, by receiving node. */
  received: Map<string, number>
  /** ack.received, by acknowledging node. */
  acknowledged: Map<string, number>
  /** message.accepted, by origin. */
  accepted: Map<string, number>
}

/** Counts what lies in CHANGES and RECORDS now. */
export async function countRecords(bus: Bus): Promise<RecordCounts> {
  const counts: RecordCounts = {
    observed: new Map(),
    received: new Map(),
    acknowledged: new Map(),
    accepted: new Map(),
  }
  const add = (map: Map<string, number>, nodeId: string, messageId: string): void => {
    const name = `${nodeId} ${messageId}`
    map.set(name, (map.get(name) ?? 0) + 1)
  }
  const records = [...(await readStream(bus, 'CHANGES')), ...(await readStream(bus, 'RECORDS'))]
  for (const { subject, text } of records) {
    const is = (event: RecordDefinition): boolean =>
      subject.startsWith(event.wildcard.slice(0, event.wildcard.indexOf('*')))
    const payload: unknown = JSON.parse(text)
    if (is(changeObserved)) {
      const change = changeObserved.parse(payload)
      if (change.table === 'node_messages')
        add(counts.observed, change.nodeId, JSON.stringify(change.key[0]).slice(1, -1))
    } else if (is(messageReceived)) {
      const message = messageReceived.parse(payload)
      add(counts.received, message.nodeId, message.messageId)
    } else if (is(ackReceived)) {
      const ack = ackReceived.parse(payload)
      add(counts.acknowledged, ack.ackNodeId, ack.messageId)
    } else if (is(messageAccepted)) {
      const message = messageAccepted.parse(payload)
      add(counts.accepted, message.nodeId, message.messageId)
    }
  }
  return counts
}

/** What is missing or told more than once, in words; empty when all is right. */
export function findMiscounts(
  counts: RecordCounts,
  messages: readonly { messageId: string; originNodeId: string }[],
  nodeIds: readonly string[],
): string[] {
  const found: string[] = []
  const expectOne = (what: string, map: Map<string, number>, nodeId: string, messageId: string) => {
    const times = map.get(`${nodeId} ${messageId}`) ?? 0
    if (times !== 1) found.push(`${messageId} ${what} ${nodeId} ${times} times`)
  }
  for (const { messageId, originNodeId } of messages) {
    expectOne('accepted at', counts.accepted, originNodeId, messageId)
    for (const nodeId of nodeIds) {
      expectOne('observed by', counts.observed, nodeId, messageId)
      if (nodeId === originNodeId) continue
      expectOne('received by', counts.received, nodeId, messageId)
      expectOne('acknowledged by', counts.acknowledged, nodeId, messageId)
    }
  }
  return found
}
