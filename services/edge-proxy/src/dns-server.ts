import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { answerDns, type DnsOptions } from './wire/dns-answer.ts'

export interface DnsServerOptions extends DnsOptions {
  host: string
  port: number
  log: Logger
}

/** Answers queries over UDP. Resolves when it listens. */
export async function startDns(
  options: DnsServerOptions,
): Promise<AsyncDisposable & { port: number }> {
  const { host, port, log } = options
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('message', (query, { address, port: from }) => {
    const answer = answerDns(query, options)
    // Where it cannot be sent the client asks again.
    if (answer) socket.send(answer, from, address, () => undefined)
  })
  socket.bind({ address: host, port, exclusive: true })
  await once(socket, 'listening')
  socket.on('error', (err) => log.warn({ err }, 'DNS socket'))
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
