// The page of the controller in a real browser.
import { startBrowser } from '@corroport/testing/browser.ts'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import {
  apiKey,
  type Controller,
  registerWorker,
  startController,
  startPostgresOfFile,
  submit,
} from './harness.ts'

jest.setTimeout(60_000)
const postgres = startPostgresOfFile()
let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

async function open(controller: Controller, key = apiKey): Promise<Page & AsyncDisposable> {
  const page = await browser.newPage()
  await page.goto(controller.origin)
  await page.getByLabel('Key of a submitter').fill(key)
  await page.getByRole('button', { name: 'Look' }).click()
  return page
}

test('the queue, a log as it is written, and a build that is cancelled and built again', async () => {
  await using controller = await startController(postgres())
  const { id } = await submit(controller)
  const worker = await registerWorker(controller)
  const { body } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  const say = (message: string) =>
    controller.ask(`/api/builds/${id}/logs`, {
      headers: { 'x-lease-token': body['job'].lease_token },
      body: { level: 'info', message },
    })
  await say('Installing pods <b>7</b>')
  await using page = await open(controller)
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })

  await page.getByRole('region', { name: 'Builds, newest first' }).getByRole('button').click()
  await page.getByText('Installing pods <b>7</b>').waitFor()
  await say('Compiling')
  await page.getByText('Compiling').waitFor()
  await page.getByRole('region', { name: 'Workers' }).getByText('building').waitFor()

  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await page.getByRole('button', { name: 'Cancel the build' }).click()
  await page.getByRole('heading', { name: `Build ${id} is cancelled` }).waitFor()
  await page.getByRole('button', { name: 'Build again' }).click()
  await page.getByRole('heading', { name: /is pending$/ }).waitFor()

  expect(complaints).toEqual([])
})

test('a wrong key shows nothing, and a submitter sees their own builds and no workers', async () => {
  await using controller = await startController(postgres())
  await submit(controller)
  const { body } = await controller.ask('/api/v2/keys', {
    headers: { 'x-api-key': apiKey },
    body: { name: 'ci', role: 'submitter' },
  })

  await using stranger = await open(controller, 'x'.repeat(40))
  await stranger.getByText('Invalid API key').waitFor()
  expect(await stranger.getByRole('heading', { name: 'Workers' }).isVisible()).toBe(false)

  await using page = await open(controller, body['key'])
  await page.getByText('as of').waitFor()
  expect(
    await page.getByRole('region', { name: 'Builds, newest first' }).getByRole('button').count(),
  ).toBe(0)
  expect(await page.getByRole('heading', { name: 'Workers' }).isVisible()).toBe(false)
})
