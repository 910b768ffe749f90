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

test('what is to change something begins a trace, what only looks does not', async () => {
  const traceparents: unknown[] = []
  const server = createServer(({ headers }, response) => {
    traceparents.push(headers.traceparent)
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  try {
    await ask(`http://127.0.0.1:${port}/`)
    await ask(`http://127.0.0.1:${port}/`, { body: {} })
    await ask(`http://127.0.0.1:${port}/`, { method: 'DELETE' })
  } finally {
    server.closeAllConnections()
    server.close()
  }

  const begun = expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(traceparents).toEqual([undefined, begun, begun])
  expect(new Set(traceparents).size).toBe(3)
})
