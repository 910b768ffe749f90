import { Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { MessageDetail } from './http.ts'
import { MessageId } from './values.ts'

export const messageDetailQueried = defineCommand(
  'corro.command.gateway.message.{nodeId}',
  'What the origin of a message knows of it. Null when it tracks no such message.',
  {
    request: Type.Object({ messageId: MessageId }),
    reply: Type.Object({ message: Type.Union([MessageDetail, Type.Null()]) }),
    timeoutMs: 2000,
  },
)
