import type { Msg } from '@nats-io/transport-node'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const PublishAnswer = Compile(
  Type.Object({
    error: Type.Optional(Type.Object({ description: Type.String() })),
    duplicate: Type.Optional(Type.Boolean()),
  }),
)

/** Whether an event was stored now or had been before, or why it was not. */
export type Answer = 'stored' | 'known' | Error

/** What JetStream says to a record that was published. */
export function readAnswer(message: Msg): Answer {
  if (message.headers?.code === 503) return new Error('no stream takes the event')
  const answer: unknown = message.json()
  if (!PublishAnswer.Check(answer)) return new Error('jetstream answered something else')
  if (answer.error) return new Error(answer.error.description)
  return answer.duplicate ? 'known' : 'stored'
}
