import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder } from '@corroport/testing'
import { startBrowser } from '@corroport/testing/browser.ts'
import type { Browser, Page } from 'playwright-core'
import { ensureConsole } from '../../infra/setup/console.mjs'

/** Where pictures of a run stay, for people. */
const pictures = join(import.meta.dirname, '../../.corroport/screenshots')
const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
)

interface OpenOptions {
  theme?: 'light' | 'dark'
  width?: number
  /** Of which node the gateway is asked. */
  node?: number
  /** `name=value`, as that gateway set it for somebody who signed in. */
  cookie?: string
}

export interface AskOptions {
  /** Whose gateway. */
  node?: number
  /** With one it is a POST. */
  body?: object | undefined
  headers?: Readonly<Record<string, string>>
}

/** A whole cluster and a browser that looks at it. */
export interface Console extends AsyncDisposable {
  readonly cluster: Cluster
  /** What a gateway answers, without the browser; throws what it refuses with. */
  ask(path: string, options?: AskOptions): Promise<string>
  open(path: string, options?: OpenOptions): Promise<Page>
  /**
   * What the browser complained of on a page: errors, refused loads, violations of the policy; and
   * what a page of ours never does: dialogs of scripts, requests to another origin.
   */
  complaintsOf(page: Page): readonly string[]
}

// Chromium drops what it loads when the machine gets or loses an interface, as with each container that
// another test starts. The page asks again, which it has to anyway.
const networkChanged = 'net::ERR_NETWORK_CHANGED'

/** `edge`: with a point of presence beside each node; `builds`: with a build controller. */
export async function startConsole(
  environment: NodeJS.ProcessEnv = {},
  { edge = false, builds = false } = {},
): Promise<Console> {
  await ensureConsole(process.env)
  await using starting = new AsyncDisposableStack()
  const home = starting.use(createTemporaryFolder())
  const cluster = await startCluster({
    home: home.path,
    portOffset: 'free',
    nodes: 3,
    analytics: true,
    edge,
    builds,
    environment: { ...process.env, DATABASE_URL: undefined, ...environment },
  })
  // Of root it lies outside of `home`.
  starting.defer(() => rmSync(cluster.layout.postgresFolder, { recursive: true, force: true }))
  starting.defer(() => cluster.kill())
  await cluster.ready()
  const browser: Browser = await startBrowser()
  starting.defer(() => browser.close())
  const complaints = new WeakMap<Page, string[]>()
  const opened = starting.move()

  return {
    cluster,
    async ask(path, { node = 1, body, headers } = {}) {
      const response = await fetch(`${cluster.node(node).apiUrl}${path}`, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', ...headers },
      })
      const answer = await response.text()
      if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${answer}`)
      return answer
    },
    async open(path, { theme = 'light', width = 1280, node = 1, cookie } = {}) {
      const { apiUrl } = cluster.node(node)
      const page = await browser.newPage({
        baseURL: apiUrl,
        viewport: { width, height: 900 },
        colorScheme: theme,
      })
      const heard: string[] = []
      complaints.set(page, heard)
      page.on('console', (message) => {
        if (message.type() !== 'error' || message.text().includes(networkChanged)) return
        heard.push(message.text())
      })
      page.on('pageerror', (error) => heard.push(error.message))
      page.on('dialog', (dialog) => {
        heard.push(`a dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url())
        if (protocol.startsWith('http') && origin !== apiUrl) heard.push(`asked ${request.url()}`)
      })
      if (cookie !== undefined) {
        const [name = '', value = ''] = cookie.split('=')
        await page.context().addCookies([{ name, value, url: apiUrl, sameSite: 'Strict' }])
      }
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      return page
    },
    complaintsOf: (page) => complaints.get(page) ?? [],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Waits until it hears the cluster and has loaded what it shows. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
  await page.waitForFunction(() => document.querySelector('.loading') === null)
}

export async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  // What sticks to the top of the window is else in the midst of the picture.
  await page.evaluate(() => window.scrollTo(0, 0))
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}

/** Serious and critical findings of axe-core, one line each. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Not by a script element: the page's own policy refuses what is not of its origin.
  await page.evaluate(axeSource)
  return await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run: (options: object) => Promise<{ violations: Violation[] }> }
    }
    interface Violation {
      id: string
      impact: string | null
      nodes: { target: string[]; failureSummary?: string }[]
    }
    const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(
          ({ target, failureSummary = '' }) => `${id} ${target.join(' ')} ${failureSummary}`,
        ),
      )
  })
}
