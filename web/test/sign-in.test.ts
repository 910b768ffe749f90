// Who is let in, who is not, and what a page does when its session ends.
import { createAccessToken } from '@corroport/bus'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { settled, takePicture } from './console.ts'
import { type GuardedConsole, startGuardedConsole } from './guarded-console.ts'

jest.setTimeout(60_000)

let guarded: GuardedConsole

beforeAll(async () => {
  guarded = await startGuardedConsole()
}, 120_000)

afterAll(async () => {
  await guarded[Symbol.asyncDispose]()
})

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token for node1').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** As another page of the same browser does. */
async function endSession(cookie: string): Promise<void> {
  const { apiUrl: origin } = guarded.shown.cluster.node(1)
  const { ok } = await fetch(`${origin}/api/session`, {
    method: 'DELETE',
    headers: { origin, cookie },
  })
  expect(ok).toBe(true)
}

test.each(['/', '/messages', '/query-console'])(
  'nobody without a token sees anything of the cluster at %s',
  async (path) => {
    await using page = await guarded.shown.open(path)
    await page.getByLabel('Access token for node1').waitFor()

    expect(await page.locator('body').innerHTML()).not.toMatch(/node[23]|127\.0\.0\.1/)
    expect(await page.getByRole('navigation').count()).toBe(0)
  },
)

test('a token that is not good is refused beside its field, with the reason', async () => {
  await using page = await guarded.shown.open('/')
  // A gateway hears of tokens in their order: when it takes the second one, it knows the first.
  const expired = await guarded.newToken('admin', '2020-01-01T00:00:00.000000Z')
  const revoked = await guarded.newToken('admin')
  await guarded.revoke(revoked)
  const { token: unknown } = createAccessToken({ name: 'x', role: 'admin', expiresAt: null })
  const wrong = {
    'cpt_too-short': 'begins with cpt_ and has 57 characters',
    [unknown]: 'not known',
    [revoked.token]: 'was revoked at',
    [expired.token]: 'expired at 2020-01-01',
  }

  for (const [token, reason] of Object.entries(wrong)) {
    await signIn(page, token)

    await page.locator('.field.wrong .error', { hasText: reason }).waitFor()
    expect(await page.getByLabel('Access token for node1').inputValue()).toBe(token)
  }
  await takePicture(page, 'sign-in-refused')
})

test('a viewer reads, and is told why nothing can be changed', async () => {
  await using page = await guarded.shown.open('/messages')
  await signIn(page, (await guarded.newToken('viewer')).token)
  await page.locator('.top').getByText('read-only').waitFor()
  await guarded.keepSecretsOf(page)

  await page.getByLabel('Text', { exact: true }).fill('not for viewers')
  await page.getByRole('button', { name: 'Send', exact: true }).click()

  await page.locator('.field.wrong', { hasText: /takes the role operator/ }).waitFor()
  expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('not for viewers')
  await page.goto('/node')
  await page
    .getByText('This needs the role operator; you are signed in as viewer.')
    .first()
    .waitFor()
  await takePicture(page, 'node-viewer')
})

test('an operator sends, and after signing out nothing of the cluster is left', async () => {
  await using page = await guarded.shown.open('/messages')
  await signIn(page, (await guarded.newToken('operator')).token)
  await page.getByLabel('Text', { exact: true }).fill('from an operator')
  await guarded.keepSecretsOf(page)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('link', { name: 'from an operator' }).waitFor()

  await page.getByRole('button', { name: 'Sign out operator anna' }).click()

  await page.getByLabel('Access token for node1').waitFor()
  expect(await page.locator('body').innerHTML()).not.toMatch(/node[23]|from an operator/)
  expect(await page.context().cookies()).toEqual([])
  await page.reload()
  await page.getByLabel('Access token for node1').waitFor()
})

test.each(['session', 'token'])(
  'a page whose %s ends says so by itself, keeps what was typed, and goes on after signing in',
  async (what) => {
    const created = await guarded.newToken('operator')
    const cookie = await guarded.newSession(created.token)
    await using page = await guarded.shown.open('/messages', { cookie })
    await settled(page)
    const text = `typed before the ${what} ended`
    await page.getByLabel('Text', { exact: true }).fill(text)

    if (what === 'token') await guarded.revoke(created)
    else await endSession(cookie)
    await page.getByText('The session is over.').waitFor()

    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe(text)
    await takePicture(page, `${what}-over`)
    await signIn(page, guarded.operator.token)
    await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
    await guarded.keepSecretsOf(page)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('link', { name: text }).waitFor()
  },
)

test('after all of this no secret stands in a log, a file or a page', async () => {
  expect(await guarded.findLeaks()).toEqual([])
})
