import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Certificate } from './worker-messages.ts'

/** Ends TLS of clients, with the certificate that fits the name they ask for. */
export interface Termination {
  /** Connections that stand keep what they have. Throws when one of them cannot be used. */
  use(certificates: readonly Certificate[]): void
  terminate(
    socket: Socket,
    onDone: (
      outcome: { socket: Socket; serverName: string | undefined } | { reason: string },
    ) => void,
  ): void
}

export function createTermination(deadlineMs: number): Termination {
  let known: { about: X509Certificate; context: SecureContext }[] = []

  const contextFor = (serverName: string): SecureContext | undefined => {
    const fitting = known.find(({ about }) => about.checkHost(serverName) !== undefined)
    return (fitting ?? known[0])?.context
  }

  return {
    use(certificates) {
      known = certificates.map(({ cert, key }) => ({
        about: new X509Certificate(cert),
        context: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
      }))
    },

    terminate(socket, onDone) {
      const [first] = known
      if (!first) {
        onDone({ reason: 'there is no certificate' })
        return
      }
      const secure = new TLSSocket(socket, {
        isServer: true,
        secureContext: first.context,
        SNICallback: (serverName, callback) => callback(null, contextFor(serverName)),
      })
      const done = (outcome: Parameters<typeof onDone>[0]): void => {
        clearTimeout(deadline)
        secure.off('error', failed)
        secure.off('close', closed)
        onDone(outcome)
      }
      const failed = (error: Error): void => {
        secure.on('error', () => undefined) // more may follow
        done({ reason: error.message })
      }
      const closed = (): void => done({ reason: 'ended while shaking hands' })
      const deadline = setTimeout(
        () => failed(new Error(`no handshake in ${deadlineMs} ms`)),
        deadlineMs,
      )
      secure.once('error', failed)
      secure.once('close', closed)
      secure.once('secure', () => {
        // Node names no server where the client has asked for none, as false or as an empty text.
        const named = 'servername' in secure ? secure.servername : undefined
        const serverName =
          typeof named === 'string' && named !== '' ? named.toLowerCase() : undefined
        done({ socket: secure, serverName })
      })
    },
  }
}
