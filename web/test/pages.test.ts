// Every page of the console, as a person sees it first.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { places } from '../src/shell/places.ts'
import { type Console, findBarriers, startConsole, takePicture } from './console.ts'

let shown: Console

beforeAll(async () => {
  shown = await startConsole()
  const { apiUrl } = shown.cluster.node(1)
  for (const transport of ['send', 'send_direct']) {
    await fetch(`${apiUrl}/api/messages/${transport}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'hello' }),
    })
  }
}, 120_000)

afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

describe.each(places.map(({ to, title }) => [title, to] as const))('%s', (title, to) => {
  test.each(['light', 'dark'] as const)(
    'has no barrier in the %s theme, and the browser complains of nothing',
    async (theme) => {
      const page = await shown.open(to, { theme })
      await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
      await page.waitForFunction(() => document.querySelector('.loading') === null)

      await takePicture(page, `${title.toLowerCase().replace(' ', '-')}-${theme}`)
      expect(await findBarriers(page)).toEqual([])
      expect(shown.complaintsOf(page)).toEqual([])
      await page.close()
    },
    60_000,
  )

  test('fits 360 pixels', async () => {
    const page = await shown.open(to, { width: 360 })
    await page.locator('.top .badge', { hasText: /live$/ }).waitFor()

    await takePicture(page, `${title.toLowerCase().replace(' ', '-')}-360`)
    const widths = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ])
    expect(widths[0]).toBe(widths[1])
    await page.close()
  }, 60_000)
})
