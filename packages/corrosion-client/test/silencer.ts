import { once } from 'node:events'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Silencer extends AsyncDisposable {
  url: string
}

/**
 * Hands everything on to an agent, but keeps back the body of what is answered to certain requests:
 * so answers an agent that holds a subscription which never began to run.
 */
export async function startSilencer(
  agentUrl: string,
  isSilent: (request: { path: string; body: string }) => boolean,
): Promise<Silencer> {
  const handOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    const body = await text(request)
    const { method, headers } = request
    const asked = ask(new URL(path, agentUrl), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      if (isSilent({ path, body })) answer.resume()
      else answer.pipe(response)
      response.once('close', () => answer.destroy())
    })
    asked.once('error', () => response.destroy())
    asked.end(body)
  }
  const server = createServer((request, response) => {
    handOn(request, response).catch(() => response.destroy()) // who asked has left
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
