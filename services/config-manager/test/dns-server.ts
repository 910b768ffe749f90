import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE } from 'dns-packet'

/** By `TYPE name`; `truncated` and `silent` are how a server fails. */
export type Reply = Answer[] | 'truncated' | 'silent' | 'refused'

const refused = 5

/** A DNS server on loopback that answers by UDP as it is told at that moment. */
export async function startDnsServer(
  reply: (question: string) => Reply,
): Promise<AsyncDisposable & { address: string; asked: string[] }> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => {
    const { id, questions = [] } = decode(message)
    const [question] = questions
    const name = question ? `${question.type} ${question.name}` : ''
    asked.push(name)
    const answers = reply(name)
    if (answers === 'silent') return
    const flags =
      AUTHORITATIVE_ANSWER |
      (answers === 'truncated' ? TRUNCATED_RESPONSE : answers === 'refused' ? refused : 0)
    socket.send(
      encode({
        type: 'response',
        id,
        flags,
        questions,
        answers: Array.isArray(answers) ? answers : [],
      }),
      peer.port,
      peer.address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
