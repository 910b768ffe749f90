import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { ask } from './http.ts'

test.each<[string, string, (response: ServerResponse) => void]>([
  ['is cut off', 'the gateway cannot be reached', (response) => response.destroy()],
  ['never ends', 'no answer in 0.5 s', () => undefined],
])('an answer that %s is none', async (_, message, breakOff) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"a":', () => breakOff(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  try {
    const asked = ask(`http://127.0.0.1:${port}/`, { timeoutMs: 500 })
    await expect(asked).rejects.toMatchObject({ name: 'UnreachedError', message })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
