// What the build gives to a browser that has nothing of it yet.
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir } from 'node:os'
import { extname, join } from 'node:path'
import { startBrowser } from '@corroport/testing/browser.ts'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Browser } from 'playwright-core'
import { ensureConsole } from '../../infra/setup/console.mjs'

const dist = join(import.meta.dirname, '../dist')
const repository = join(import.meta.dirname, '../..')
const mostBytes = 180_000
const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** Serves the build as it is, by gzip; behind it is no gateway. */
const server = createServer(({ url = '/' }, response) => {
  const { pathname } = new URL(url, 'http://console')
  if (pathname.startsWith('/api')) {
    response.writeHead(503).end()
    return
  }
  const name = types[extname(pathname)] === undefined ? '/index.html' : pathname
  response.writeHead(200, {
    'content-type': types[extname(name)] ?? 'text/html',
    'content-encoding': 'gzip',
  })
  response.end(readFileSync(join(dist, `${name}.gz`)))
})

let browser: Browser

beforeAll(async () => {
  await ensureConsole(process.env)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  browser = await startBrowser()
}, 120_000)

afterAll(async () => {
  await browser.close()
  server.closeAllConnections()
  server.close()
})

test(`the first page takes at most ${mostBytes / 1000} kB of script and style, compressed`, async () => {
  const loaded = await filesLoadedBy('/')
  // Without a gateway there is nothing to draw on it.
  const map = readdirSync(join(dist, 'assets')).filter((name) => /^WorldMap-.*\.js$/.test(name))

  expect(loaded.some((name) => name.startsWith('PropagationPage-'))).toBe(true)
  expect(map).toHaveLength(1)
  const files = new Set([...loaded, ...map].filter((name) => !name.endsWith('.json')))
  const sizes = [...files].map((name) => statSync(join(dist, 'assets', `${name}.gz`)).size)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(mostBytes)
}, 30_000)

test('the map and the SQL editor are loaded by the pages alone that show them', async () => {
  const lazy = /^(WorldMap|code-editor|land-110m)-/
  const built = readdirSync(join(dist, 'assets')).filter((name) => /\.js(on)?$/.test(name))

  expect(built.filter((name) => lazy.test(name))).toHaveLength(3)
  expect((await filesLoadedBy('/cluster')).filter((name) => lazy.test(name))).toEqual([])
}, 30_000)

test('the document holds no script and no style of its own, which the policy would refuse', () => {
  const html = readFileSync(join(dist, 'index.html'), 'utf8')

  expect(html).not.toMatch(/<script(?![^>]* src=)/)
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i)
  expect(html).not.toMatch(/(src|href)="(?!\/)/)
})

test('each file is there compressed too, and none tells of the machine that built it', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dist, name))
    .filter((path) => statSync(path).isFile())
  const served = files.filter((path) => types[extname(path)] || path.endsWith('.html'))

  expect(served.length).toBeGreaterThan(10)
  expect(served.filter((path) => !existsSync(`${path}.br`) || !existsSync(`${path}.gz`))).toEqual(
    [],
  )
  expect(files.filter((path) => path.includes('.map'))).toEqual([])
  const telling = ['sourceMappingURL', repository, `${homedir()}/`]
  const found = served.filter((path) => {
    const text = readFileSync(path, 'utf8')
    return telling.some((each) => text.includes(each))
  })
  expect(found).toEqual([])
})

/** Names of the assets that a fresh browser asks for until the page is there. */
async function filesLoadedBy(path: string): Promise<string[]> {
  const { port } = server.address() as AddressInfo
  const context = await browser.newContext({ baseURL: `http://127.0.0.1:${port}` })
  const names = new Set<string>()
  const page = await context.newPage()
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (['.js', '.css', '.json'].includes(extname(pathname))) {
      names.add(pathname.replace('/assets/', ''))
    }
  })
  await page.goto(path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await context.close()
  return [...names]
}
