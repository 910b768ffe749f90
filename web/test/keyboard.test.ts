// The console without a mouse: all of it by keys alone.
import { readFileSync } from 'node:fs'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { places } from '../src/shell/places.ts'
import { type Console, findBarriers, settled, startConsole, takePicture } from './console.ts'
import { hasFocus, mostTabs, press, tabTo, typeInto } from './keys.ts'

jest.setTimeout(60_000)

let shown: Console

beforeAll(async () => {
  shown = await startConsole()
}, 120_000)

afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

/** With all that it shows, so that nothing takes the focus away by coming. */
async function open(path: string): Promise<Page> {
  const page = await shown.open(path)
  await settled(page)
  return page
}

/** `g` and the key of a page. */
async function go(page: Page, key: string): Promise<void> {
  await page.keyboard.press('g')
  await page.keyboard.press(key)
}

async function choose(page: Page, title: string): Promise<void> {
  await page.keyboard.press('Control+K')
  await page.getByRole('combobox', { name: 'Go to or do' }).waitFor()
  await page.keyboard.type(title)
  await page.keyboard.press('Enter')
}

const panel = (page: Page, title: string): Locator =>
  page.getByRole('region', { name: title, exact: true })

const titleOf = (page: Page): Locator => page.getByRole('heading', { level: 1 })

describe('what is done', () => {
  test('a message is sent, and acknowledged by all', async () => {
    await using page = await open('/')

    await typeInto(page, page.getByLabel('Text'), 'sent without a mouse')
    await press(page, page.getByRole('button', { name: 'Send', exact: true }))

    await panel(page, 'Latest message').getByText('2 of 2').waitFor()
    const acks = page.getByRole('region', { name: 'Acknowledgements of the message by node' })
    const acknowledged = acks.getByRole('row', { name: /^node[23] .* acknowledged/ })
    await acknowledged.nth(1).waitFor()
    expect(await acknowledged.count()).toBe(2)
    await go(page, 'm')
    await page.getByText('sent without a mouse').first().waitFor()
  })

  test('an experiment is run over both transports, and its result read', async () => {
    await using page = await open('/')

    await choose(page, 'run an exp')
    const form = panel(page, 'New experiment')
    await until(() => hasFocus(form.getByLabel('Name')))
    await page.keyboard.type('by keys')
    await tabTo(page, form.getByLabel('Transport'))
    await page.keyboard.type('both')
    await typeInto(page, form.getByLabel('Messages'), '10')
    await typeInto(page, form.getByLabel('Interval'), '50ms')
    await press(page, form.getByRole('button', { name: 'Start' }))

    const result = page.locator('.analytics-one')
    await result.locator('.badge', { hasText: /finished$/ }).waitFor()
    for (const transport of ['gossip', 'direct']) {
      const figures = result.getByRole('region', { name: transport, exact: true })
      await figures.getByText('of 20 expected').waitFor()
      await figures
        .getByText(/^100\.00 %/)
        .first()
        .waitFor()
    }
    await press(page, result.getByRole('link', { name: 'Receivers' }))
    await result.locator('[aria-current=page]', { hasText: 'Receivers' }).waitFor()
    await takePicture(page, 'keyboard-experiment')
  })

  test('a query is asked of all nodes, which agree', async () => {
    await using page = await open('/')

    await go(page, 'q')
    await tabTo(page, page.getByLabel('Nodes', { exact: true }))
    await page.keyboard.type('all')
    const editor = page.getByRole('textbox', { name: 'Statement in SQL' })
    await typeInto(page, editor, 'SELECT pk, node_id FROM node_messages')
    await page.keyboard.press('Control+Enter')

    await panel(page, 'Result')
      .getByText(/the same on node1, node2, node3/)
      .waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    expect(await hasFocus(editor)).toBe(false)
    await takePicture(page, 'keyboard-query')
  })

  test('the bootstrap lists of all nodes are changed, after their number was typed', async () => {
    await using page = await open('/')

    await go(page, 'n')
    await press(page, page.getByRole('link', { name: 'Change', exact: true }))
    const edit = panel(page, 'Edit')
    await tabTo(page, edit.getByLabel('Whose files'))
    await page.keyboard.type('all')
    await press(page, edit.getByRole('button', { name: 'All gossip addresses' }))
    await press(page, edit.getByRole('button', { name: 'Plan', exact: true }))
    const plan = panel(page, 'Plan')
    await plan.getByText('can be applied', { exact: false }).waitFor()
    await press(page, plan.getByRole('button', { name: 'Apply …' }))
    const asked = page.getByRole('dialog', { name: 'Apply the plan' })
    await page.keyboard.press('Enter')
    await asked.getByRole('alert').getByText('type 3 nodes to go on').waitFor()
    await page.keyboard.type('3 nodes')
    await page.keyboard.press('Enter')

    await panel(page, 'Rollout').getByText('3 of 3 nodes done').waitFor({ timeout: 60_000 })
    await panel(page, 'Rollout').getByText('succeeded').first().waitFor()
    for (const { configPath } of shown.cluster.nodes) {
      const [list] = /^bootstrap = \[[^\]]*\]/m.exec(readFileSync(configPath, 'utf8')) ?? []
      for (const { gossipEndpoint } of shown.cluster.nodes) expect(list).toContain(gossipEndpoint)
    }
    await takePicture(page, 'keyboard-rollout')
  }, 120_000)

  test('the agent of another node is restarted, step by step', async () => {
    await using page = await open('/')

    await choose(page, 'node node3')
    await press(page, page.getByRole('button', { name: 'Restart the agent …' }))
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('because of a test')
    await page.keyboard.press('Enter')

    const operation = panel(page, 'Operation on node3')
    await operation.getByText('succeeded').waitFor()
    const steps = operation.getByRole('row', { name: /^(stop|start|http|subscription) .*done/ })
    expect(await steps.count()).toBe(4)
  })

  test('where sources disagree of a node stands first on the page of the cluster', async () => {
    await using page = await open('/')

    const first = page.locator('main .panel').first()
    const services = shown.cluster.node(3).service('gateway')
    await services.kill()
    try {
      await go(page, 'c')

      await first.getByText('SWIM has node3 alive, NATS has lost it').waitFor()
      await press(page, first.getByRole('link', { name: 'who sees node3' }).first())
      await page.getByRole('region', { name: 'Who sees node3' }).waitFor()
      expect(await first.getByRole('heading').textContent()).toBe('Disagreements')
      await takePicture(page, 'keyboard-disagreement')
    } finally {
      services.start()
    }
    await first.getByText('agree on all 3 members').waitFor()
  })
})

describe('keys', () => {
  test.each(['/', 'Control+K', '?'])(
    '%s opens without a barrier, Esc closes, the focus is where it was',
    async (key) => {
      await using page = await open('/cluster')
      const link = page.getByRole('link', { name: 'Messages' })
      await tabTo(page, link)

      await page.keyboard.press(key)
      await page.getByRole('dialog').waitFor()
      expect(await hasFocus(link)).toBe(false)
      expect(await findBarriers(page)).toEqual([])
      await page.keyboard.press('Escape')

      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await until(() => hasFocus(link))
    },
  )

  test('what was chosen from the palette, and what was cancelled, give the focus back', async () => {
    await using page = await open('/node')
    const restart = page.getByRole('button', { name: 'Restart the agent …' })

    await press(page, restart)
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Cancel' }))
    await until(() => hasFocus(restart))
    await choose(page, 'help')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await until(() => hasFocus(restart))
    await choose(page, 'theme: dark')
    await until(() => hasFocus(restart))
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark')
  })

  test('g and a key leads to each page', async () => {
    await using page = await open('/cluster')

    for (const { key, title, to } of places) {
      await go(page, key)
      await titleOf(page).getByText(title).waitFor()
      expect(new URL(page.url()).pathname).toBe(to)
    }
  })

  test('arrows lead from line to line of the events, of which none is a stop of Tab', async () => {
    await using page = await open('/events')
    const list = page.getByRole('region', { name: 'Events, newest first' })
    const line = list.getByRole('button', { expanded: true })

    await tabTo(page, list)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await until(() => hasFocus(line))
    await page.keyboard.press('Tab')
    expect(await hasFocus(list.getByRole('button', { name: 'Copy as JSON' }))).toBe(true)
  })

  test('are letters where somebody types', async () => {
    await using page = await open('/messages')
    const text = page.getByLabel('Text')
    await typeInto(page, text, 'g c / ?')
    expect(await text.inputValue()).toBe('g c / ?')

    await choose(page, 'query')
    const editor = page.getByRole('textbox', { name: 'Statement in SQL' })
    await typeInto(page, editor, 'g c / ?')
    expect(await editor.textContent()).toBe('g c / ?')
    await page.keyboard.press('Control+K')
    const palette = page.getByRole('combobox', { name: 'Go to or do' })
    await palette.waitFor()
    await page.keyboard.type('g c / ?')
    expect(await palette.inputValue()).toBe('g c / ?')
    expect(await titleOf(page).textContent()).toBe('Query console')
  })
})

describe('the focus', () => {
  test('leaps over the navigation with the first key', async () => {
    await using page = await open('/clocks')

    await page.keyboard.press('Tab')
    expect(await hasFocus(page.getByRole('link', { name: 'To the page' }))).toBe(true)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')

    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true)
  })

  test('is seen at each stop of every page', async () => {
    await using page = await open('/')

    for (const { to } of places) {
      await page.goto(to)
      await settled(page)
      expect(await firstUnseenStop(page)).toBeUndefined()
    }
  }, 120_000)
})

/** From the skip link on, once around. */
async function firstUnseenStop(page: Page): Promise<string | undefined> {
  for (let count = 0; count < mostTabs; count += 1) {
    await page.keyboard.press('Tab')
    const isAround = await page.evaluate(() => document.activeElement?.matches('.skip, body'))
    if (isAround && count > 0) return undefined
    const isSeen = await page.waitForFunction(showsFocus).then(
      () => true,
      () => false, // not within 30 s
    )
    if (!isSeen) return await page.evaluate(describeFocus)
  }
  throw new Error(`${mostTabs} presses of Tab did not come around ${page.url()}`)
}

/** In the page; an editor does it a moment later, by the frame of its host. */
function showsFocus(): boolean {
  const { activeElement } = document
  const frame = activeElement?.shadowRoot?.querySelector('.cm-editor') ?? activeElement
  if (!frame) return false
  const { outlineStyle, outlineWidth } = getComputedStyle(frame)
  return outlineStyle !== 'none' && outlineWidth !== '0px'
}

/** In the page. */
function describeFocus(): string {
  return `${window.location.pathname} ${document.activeElement?.outerHTML.slice(0, 120)}`
}
