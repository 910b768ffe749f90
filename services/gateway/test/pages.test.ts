import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { registerPages } from '../src/routes/pages.ts'
import { createBareApp } from './harness.ts'

/** The pages of a build with one document and one script. */
async function startPages() {
  await using starting = new AsyncDisposableStack()
  const folder = starting.use(createTemporaryFolder())
  mkdirSync(join(folder.path, 'assets'))
  writeFileSync(join(folder.path, 'assets/page-1.js'), '1')
  writeFileSync(join(folder.path, 'index.html'), '<!doctype html>')
  const app = createBareApp()
  starting.defer(() => app.close())
  await registerPages(app, { config: { webDir: folder.path } })
  return Object.assign(starting.move(), {
    async get(url: string, accept = '*/*') {
      const { statusCode, headers } = await app.inject({ url, headers: { accept } })
      return [statusCode, headers['cache-control'], headers['content-type']]
    },
  })
}

test('a file of the build is kept for a year, and that there is none is not', async () => {
  await using pages = await startPages()
  const problem = 'application/problem+json'

  expect(await pages.get('/assets/page-1.js')).toEqual([
    200,
    'public, max-age=31536000, immutable',
    'application/javascript; charset=utf-8',
  ])
  expect(await pages.get('/assets/page-2.js')).toEqual([404, 'no-store', problem])
})

test('each address of a page has the document, which is asked for anew each time', async () => {
  await using pages = await startPages()
  const document = [200, 'no-cache', 'text/html; charset=utf-8']

  expect(await pages.get('/', 'text/html')).toEqual(document)
  expect(await pages.get('/messages/node1_01A', 'text/html,*/*')).toEqual(document)
  expect((await pages.get('/api/nowhere', 'text/html'))[0]).toBe(404)
  expect((await pages.get('/robots.txt'))[0]).toBe(404)
})
