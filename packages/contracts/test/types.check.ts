import { ackSent, messageDetailQueried, messageReceived, toCell } from '@corroport/contracts'

// Only compiled: each line marked with an expected error must be one.

ackSent.subject({ nodeId: 'node1' })
ackSent.filter()
// @ts-expect-error the parameter has another name
ackSent.subject({ node: 'node1' })
// @ts-expect-error a parameter is missing
ackSent.subject({})
// @ts-expect-error there is no such parameter
ackSent.filter({ part: 'x' })

const received = messageReceived.parse({})
const via: 'updates' | 'subscription' | 'catch-up' | 'direct' = received.via
// @ts-expect-error a union is no other text
const other: 'gossip' = received.via
// @ts-expect-error there is no such field
const missing = received.seenAt
// @ts-expect-error a field is missing
messageReceived.identify({ nodeId: 'node1' })

const messageId: string = messageDetailQueried.parseRequest({}).messageId
// @ts-expect-error the message may be null
const pk: string = messageDetailQueried.parseReply({}).message.pk
// @ts-expect-error a command has no single schema
const schema = messageDetailQueried.schema

// @ts-expect-error no value of SQLite
toCell(true)

export type Checked = [
  typeof messageId,
  typeof pk,
  typeof via,
  typeof other,
  typeof missing,
  typeof schema,
]
