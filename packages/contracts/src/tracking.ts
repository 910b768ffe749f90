import { Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { MessageDetail } from './http.ts'
import { MessageId, nullable } from './values.ts'

export const messageDetailQueried = defineCommand(
  'corro.command.gateway.message.{nodeId}',
  'What the origin of a message knows of it. Null when it tracks no such message.',
  {
    request: Type.Object({ messageId: MessageId }),
    reply: Type.Object({ message: nullable(MessageDetail) }),
    timeoutMs: 2000,
  },
)
