// Each part is taken away and given back while a page is open: the page says so, and recovers by itself.
import { createParser, RecordsReply, SendReply } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { type Console, startConsole, takePicture } from './console.ts'

jest.setTimeout(120_000)

const mostMs = 3000
/** How long it took until a page said what was taken away. Milliseconds. */
const said: Record<string, number> = {}

const accepted = 'corro.message.accepted.node2'
const parseRecords = createParser('records', RecordsReply)
const parseSent = createParser('what was sent', SendReply)

let shown: Console
let sent = 0

beforeAll(async () => {
  shown = await startConsole()
}, 120_000)

afterAll(async () => {
  console.info('said after, in ms:', said)
  await shown[Symbol.asyncDispose]()
})

/** By default over node2, whose gateway no test touches. */
function ask(path: string, body?: object, node = 2): Promise<string> {
  return shown.ask(path, { node, body })
}

/** Gives the keys of the messages. */
async function send(count: number): Promise<string[]> {
  const keys: string[] = []
  for (let index = 0; index < count; index += 1) {
    const reply = await ask('/api/messages/send', { content: `message ${sent}` })
    sent += 1
    keys.push(parseSent(JSON.parse(reply)).message.pk)
  }
  return keys
}

/** Signals the whole process group, which its supervisor does not know of. */
function signal(part: { pid: number | undefined }, name: NodeJS.Signals): void {
  if (part.pid === undefined) throw new Error('it does not run')
  process.kill(-part.pid, name)
}

const banner = (page: Page, text = /./) => page.locator('.banner', { hasText: text })
const liveMark = (page: Page) => page.locator('.top .badge.good', { hasText: /live$/ })

interface Loss {
  takeAway: (page: Page) => unknown
  says: RegExp
}

/** Takes a part away, and waits until the page says so. */
async function lose(page: Page, what: string, { takeAway, says }: Loss): Promise<void> {
  await liveMark(page).waitFor()
  await banner(page).first().waitFor({ state: 'detached' })
  await watchBanner(page)
  const startedAt = Date.now()
  const taken = takeAway(page)
  await banner(page, says).waitFor()
  const tookMs = Date.now() - startedAt
  said[what] = tookMs
  await taken
  expect(tookMs).toBeLessThanOrEqual(mostMs)
}

/** A gateway that begins may have its parts yet to find, and says so: the banner may come once more. */
async function recover(page: Page): Promise<void> {
  await liveMark(page).waitFor()
  await banner(page).first().waitFor({ state: 'detached' })
  expect(await bannerChanges(page)).toEqual(expect.arrayContaining([true, false]))
}

/** Notes in the page, which is not loaded again, whether there is a banner. */
async function watchBanner(page: Page): Promise<void> {
  await page.evaluate(() => {
    const changes: boolean[] = []
    Object.assign(window, { bannerChanges: changes })
    new MutationObserver(() => {
      const isThere = document.querySelector('.banner') !== null
      if (isThere !== (changes.at(-1) ?? false)) changes.push(isThere)
    }).observe(document.body, { childList: true, subtree: true })
  })
}

async function bannerChanges(page: Page): Promise<boolean[]> {
  return await page.evaluate(
    () => (window as unknown as { bannerChanges: boolean[] }).bannerChanges,
  )
}

async function openEvents(): Promise<Page> {
  const page = await shown.open(`/events?subjects=${accepted}`)
  await liveMark(page).waitFor()
  await send(1)
  await untilShownAsStored(page)
  return page
}

/** The lines of the Events page. */
async function shownEvents(page: Page): Promise<string[]> {
  return (await page.locator('.events-payload').allTextContents()).toSorted()
}

/** What the streams still have of it, as the Events page would show it. */
async function storedEvents(): Promise<string[]> {
  const reply = await ask(`/api/records?subjects=${accepted}&limit=1000`)
  const { records } = parseRecords(JSON.parse(reply))
  return records.map(({ payload }) => JSON.stringify(payload).slice(0, 300)).toSorted()
}

async function untilAllStored(): Promise<void> {
  await until(async () => {
    const stored = await storedEvents().catch(() => []) // its NATS is on the way back
    return stored.length === sent
  })
}

async function untilShownAsStored(page: Page): Promise<void> {
  await untilAllStored()
  await until(async () => (await shownEvents(page)).length >= sent)
  expect(await shownEvents(page)).toEqual(await storedEvents())
}

const missing = (page: Page) => page.getByRole('alert').filter({ hasText: 'Events are missing' })

const node1 = () => shown.cluster.node(1).service('gateway')
const nats = () => shown.cluster.part('nats')

describe('an Events page', () => {
  test.each<[string, Loss & { giveBack: (page: Page) => unknown }]>([
    [
      'NATS, killed',
      { says: /NATS/, takeAway: () => nats().kill(), giveBack: () => nats().start() },
    ],
    [
      'NATS, silent',
      {
        says: /NATS/,
        takeAway: () => signal(nats(), 'SIGSTOP'),
        giveBack: () => signal(nats(), 'SIGCONT'),
      },
    ],
    [
      'the network',
      {
        says: /No connection to the gateway/,
        takeAway: (page) => page.context().setOffline(true),
        giveBack: (page) => page.context().setOffline(false),
      },
    ],
    [
      'the gateway, silent',
      {
        says: /No connection to the gateway: nothing was heard/,
        takeAway: () => signal(node1(), 'SIGSTOP'),
        giveBack: () => signal(node1(), 'SIGCONT'),
      },
    ],
    [
      'the gateway, killed',
      {
        says: /No connection to the gateway/,
        takeAway: () => node1().kill(),
        giveBack: () => node1().start(),
      },
    ],
  ])(
    'loses %s: it keeps what it has, and shows afterwards what happened meanwhile',
    async (what, { giveBack, ...loss }) => {
      await using page = await openEvents()
      const before = await shownEvents(page)

      try {
        await lose(page, what, loss)
        expect(await shownEvents(page)).toEqual(before)
        await liveMark(page).waitFor({ state: 'detached' })
        await send(2)
        await takePicture(page, `away-${what.replaceAll(/\W+/g, '-').toLowerCase()}`)
      } finally {
        await giveBack(page)
      }

      await recover(page)
      await untilShownAsStored(page)
      expect(await missing(page).count()).toBe(0)
    },
  )
})

test('what comes back while the page is cut off is not said to be away any more', async () => {
  await using page = await openEvents()
  try {
    await lose(page, 'NATS, killed before the network', {
      says: /NATS/,
      takeAway: () => nats().kill(),
    })
    await page.context().setOffline(true)
    await banner(page, /No connection to the gateway/).waitFor()
  } finally {
    nats().start()
  }
  await send(1)
  await untilAllStored()
  await page.context().setOffline(false)

  await recover(page)
  await untilShownAsStored(page)
  expect(await missing(page).count()).toBe(0)
})

test('a gateway that is silent stays away on the page until it answers, and figures are marked as old', async () => {
  await using page = await shown.open('/cluster')
  const plane = page.getByRole('region', { name: 'NATS' })
  const isOk = plane.locator('.badge', { hasText: 'ok' }).first()
  await isOk.waitFor()
  try {
    await lose(page, 'the gateway, silent (Cluster)', {
      says: /No connection to the gateway/,
      takeAway: () => signal(node1(), 'SIGSTOP'),
    })
    // Old after six seconds: longer than an attempt to connect again lasts.
    await plane.locator('.age.stale').first().waitFor()
    expect(await isOk.isVisible()).toBe(true)
    expect(await bannerChanges(page)).toEqual([true])
    await takePicture(page, 'away-cluster')
  } finally {
    signal(node1(), 'SIGCONT')
  }

  await recover(page)
  await page.waitForFunction(() => document.querySelector('.age.stale') === null)
})

test('without Postgres the experiments stay on the page, which says that they are old', async () => {
  await ask('/api/experiments', { id: 'kept', name: 'kept', start: false })
  await using page = await shown.open('/analytics')
  const row = page.getByRole('link', { name: 'kept', exact: true })
  const problem = page.getByRole('alert').filter({ hasText: 'Could not load the experiments' })
  await row.waitFor()
  const postgres = shown.cluster.part('postgres')

  try {
    await lose(page, 'Postgres, killed', {
      says: /Postgres is away/,
      takeAway: () => postgres.kill(),
    })
    await problem.waitFor()
    expect(await row.isVisible()).toBe(true)
    await takePicture(page, 'away-postgres')
  } finally {
    postgres.start()
  }

  await recover(page)
  await problem.waitFor({ state: 'detached' })
  await row.waitFor()
})

test.each<[string, Loss & { giveBack: () => unknown }]>([
  [
    'killed',
    {
      says: /The agent of node1 does not answer/,
      takeAway: () => shown.cluster.node(1).agent.kill(),
      giveBack: () => shown.cluster.node(1).agent.start(),
    },
  ],
  [
    'silent',
    {
      says: /The agent of node1 does not answer/,
      takeAway: () => signal(shown.cluster.node(1).agent, 'SIGSTOP'),
      giveBack: () => signal(shown.cluster.node(1).agent, 'SIGCONT'),
    },
  ],
])(
  'without the agent, %s, the messages stay on the page, which says that they are old',
  async (how, { giveBack, ...loss }) => {
    // Over node1 itself: agents take their time to find one again that was away.
    const text = `before it was ${how}`
    await ask('/api/messages/send', { content: text }, 1)
    await using page = await shown.open('/messages')
    const row = page.getByRole('cell', { name: text, exact: true })
    const problem = page.getByRole('alert').filter({ hasText: 'Could not load the messages' })
    await row.waitFor()

    try {
      await lose(page, `the agent, ${how}`, loss)
      await page.getByRole('button', { name: 'Refresh the messages' }).click()
      await problem.waitFor()
      expect(await row.isVisible()).toBe(true)
      await takePicture(page, `away-agent-${how}`)
    } finally {
      giveBack()
    }

    await recover(page)
    await problem.waitFor({ state: 'detached' })
    await ask('/api/messages/send', { content: `${how} and back` }, 1)
    await page.getByRole('cell', { name: `${how} and back`, exact: true }).waitFor()
  },
)

test('streams that are lost while NATS is away are said to be missing until that is read, and the page goes on', async () => {
  await using page = await openEvents()
  const { nats: part } = shown.cluster
  if (!part) throw new Error('the cluster has a NATS of its own')

  let meanwhile: string[]
  try {
    await lose(page, 'NATS, wiped', { says: /NATS/, takeAway: () => part.kill() })
    part.wipe()
    meanwhile = await send(2)
  } finally {
    part.start()
  }

  await missing(page).waitFor()
  await recover(page)
  // What was told lately is told again, so that lines of before stand there twice.
  for (const key of meanwhile) {
    await page.locator('.events-payload', { hasText: key }).first().waitFor()
  }
  expect((await storedEvents()).join()).toContain(meanwhile.at(-1))
  await takePicture(page, 'away-wiped')
  await page.getByRole('button', { name: 'Understood' }).click()
  await page.getByRole('link', { name: 'Clocks', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Clocks' }).waitFor()
  expect(await missing(page).count()).toBe(0)
})
