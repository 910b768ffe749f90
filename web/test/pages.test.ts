// Every page of the console, as a person sees it first.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { places } from '../src/shell/places.ts'
import { type Console, findBarriers, settled, startConsole, takePicture } from './console.ts'

jest.setTimeout(60_000)

let shown: Console

beforeAll(async () => {
  shown = await startConsole()
  for (const transport of ['send', 'send_direct']) {
    await shown.ask(`/api/messages/${transport}`, { body: { content: 'hello' } })
  }
}, 120_000)

afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

describe.each(places.map(({ to, title }) => [title, to] as const))('%s', (title, to) => {
  test.each(['light', 'dark'] as const)(
    'has no barrier in the %s theme, and the browser complains of nothing',
    async (theme) => {
      await using page = await shown.open(to, { theme })
      await settled(page)

      await takePicture(page, `${title.toLowerCase().replace(' ', '-')}-${theme}`)
      expect(await findBarriers(page)).toEqual([])
      expect(shown.complaintsOf(page)).toEqual([])
    },
  )

  test('fits 360 pixels', async () => {
    await using page = await shown.open(to, { width: 360 })
    await settled(page)

    await takePicture(page, `${title.toLowerCase().replace(' ', '-')}-360`)
    const widths = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ])
    expect(widths[0]).toBe(widths[1])
  })
})
