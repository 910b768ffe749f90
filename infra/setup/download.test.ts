import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { download, formatBytes } from './download.mjs'

const content = Buffer.alloc(300_000, 'corrosion')

let server: Server
let address: string
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corroport-download-'))
  server = createServer((request, response) => {
    if (request.url === '/moved') return response.writeHead(302, { location: '/file' }).end()
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': content.length })
      return response.write(content.subarray(0, 1000), () => response.destroy())
    }
    return request.url === '/file' ? response.end(content) : response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

test('a file comes through a redirection with its digest', async () => {
  const path = join(folder, 'file')
  let received = 0

  const digest = await download(`${address}/moved`, path, (bytes: number) => {
    received = bytes
  })

  expect(digest).toBe(createHash('sha256').update(content).digest('hex'))
  expect(readFileSync(path)).toEqual(content)
  expect(received).toBe(content.length)
})

test.each([
  ['/absent', /\/absent answered 404$/],
  ['/cut', /^download from 127\.0\.0\.1:\d+ failed/],
])('%s is an error that says why', async (url, message) => {
  await expect(download(`${address}${url}`, join(folder, 'file'), ignore)).rejects.toThrow(message)
})

test('an address where nobody listens is an error that says why', async () => {
  server.close()

  await expect(download(`${address}/file`, join(folder, 'file'), ignore)).rejects.toThrow(
    'ECONNREFUSED',
  )
})

test.each([
  [12_400_000, 18_000_000, '12 of 18 MB'],
  [12_400_000, undefined, '12 MB'],
])('%j of %j bytes', (received, total, text) => {
  expect(formatBytes(received, total)).toBe(text)
})

function ignore(): void {}
