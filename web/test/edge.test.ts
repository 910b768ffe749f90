// The page of the points of presence, as an operator uses it.
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Console, findBarriers, settled, startConsole, takePicture } from './console.ts'

jest.setTimeout(60_000)

let shown: Console
const servers: Server[] = []

async function serve(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined).end('hello'))
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function register(node: number, id: string, more: object = {}): Promise<void> {
  const response = await fetch(`${shown.cluster.node(node).edgeApiUrl}/api/v1/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      id,
      app: 'web',
      region: 'eu',
      ip: '127.0.0.1',
      port: await serve(),
      ...more,
    }),
  })
  if (!response.ok) throw new Error(await response.text())
}

beforeAll(async () => {
  shown = await startConsole({}, { edge: true })
  await register(1, 'web-eu')
  await register(2, 'web-us', { region: 'us' })
  await using client = createCorrosionClient({ url: shown.cluster.node(1).agentUrl })
  await client.transact([
    "INSERT INTO backends (id, app, region, wg_ip, port) VALUES ('<img src=x onerror=alert(1)>', 'web', 'eu', '127.0.0.1', 0)",
  ])
}, 120_000)

afterAll(async () => {
  for (const server of servers) server.close()
  await shown[Symbol.asyncDispose]()
})

test('every point of presence is there, and each knows the backends of the others', async () => {
  await using page = await shown.open('/edge?pop=node3')
  await settled(page)

  for (const node of ['node1', 'node2', 'node3']) {
    await page.getByRole('link', { name: node, exact: true }).waitFor()
  }
  for (const id of ['web-eu', 'web-us']) {
    await page.getByRole('cell', { name: id, exact: true }).waitFor()
  }
  await page.getByText('1 row is set aside').click()
  await page.getByText('<img src=x onerror=alert(1)>').waitFor()
  await takePicture(page, 'edge-backends')
  expect(await findBarriers(page)).toEqual([])
  expect(shown.complaintsOf(page)).toEqual([])
})

test('it says where a client would be sent, and where if that backend died; the address keeps the question', async () => {
  await using page = await shown.open('/edge?pop=node3')
  await settled(page)

  await page.getByLabel('Address of the client').fill('5.9.0.1')
  await page.getByLabel('App', { exact: true }).last().fill('web')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText('It would be sent to web-eu.').waitFor()
  await page.getByLabel('As if these were dead').fill('web-eu')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText('It would be sent to web-us.').waitFor()

  expect(new URL(page.url()).searchParams.get('without')).toBe('web-eu')
  await page.reload()
  await page.getByText('It would be sent to web-us.').waitFor()
  expect(await findBarriers(page)).toEqual([])
})

test('connections that come are seen, with what was tried and what else there was', async () => {
  await using page = await shown.open('/edge?pop=node1')
  await settled(page)
  const [host = '', port = ''] = shown.cluster.node(1).edgeEndpoint.split(':')
  connect({ host, port: Number(port) }).resume()

  await page
    .getByRole('button', { name: / for 127\.0\.0\.1/ })
    .first()
    .click()

  await page.getByRole('heading', { name: /^Candidates for 127\.0\.0\.1/ }).waitFor()
  await takePicture(page, 'edge-decision')
  expect(shown.complaintsOf(page)).toEqual([])
})

test('a backend is drained and taken back, and removed when that is confirmed', async () => {
  await using page = await shown.open('/edge?pop=node2')
  await settled(page)

  await page.getByRole('button', { name: 'Drain web-us' }).click()
  await page.getByRole('cell', { name: 'draining', exact: false }).first().waitFor()
  await page.getByRole('button', { name: 'Take back web-us' }).click()
  await page.getByRole('button', { name: 'Drain web-us' }).waitFor()
  await page.getByRole('button', { name: 'Remove web-us' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove web-us' }).click()
  await page.getByText('web-us is removed').first().waitFor()

  const url = `${shown.cluster.node(3).edgeApiUrl}/api/v1/backends/web-us`
  await until(async () => (await fetch(url)).status === 404)
  expect(shown.complaintsOf(page)).toEqual([])
})
