// What a browser makes of the console: how much it loads, and how smooth it stays under a large cluster.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startBrowser } from '@corroport/testing/browser.ts'
import type { CDPSession, Page } from 'playwright-core'
import { measurePainted } from './console-painted.ts'
import { describe } from './quantiles.ts'
import { writeResult } from './result.ts'

const minutes = Number(process.argv[2] ?? 10)
const nodeCount = 500
const eventsPerSecond = 200
const loads = 7
const warmUpSeconds = 30
const megabyte = 1024 * 1024
const dist = join(import.meta.dirname, '../../web/dist')
const say = (line: string): void => console.error(line)
const lazy = { map: /WorldMap|land-110m/, sql: /[Ee]ditor|codemirror/i }

await using stack = new AsyncDisposableStack()
const cluster = fork(
  join(import.meta.dirname, 'simulated-cluster.ts'),
  [String(nodeCount), String(eventsPerSecond)],
  { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
)
try {
  const [line]: unknown[] = await once(cluster.stdout ?? cluster, 'data')
  const url = `http://127.0.0.1:${Number(String(line))}`
  const browser = stack.adopt(await startBrowser(), (each) => each.close())

  say('first loads')
  const first = []
  for (let load = 0; load < loads; load += 1) first.push(await loadOnce(url))
  const interactive = describe(first.map(({ interactiveMs }) => interactiveMs))
  const [{ kilobytes, files } = { kilobytes: 0, files: [] }] = first

  say('events until they are painted')
  const painted = await measurePainted(browser)

  say(`${nodeCount} nodes, ${eventsPerSecond} events/s, ${minutes} minutes`)
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const session = await page.context().newCDPSession(page)
  const idle = await framesOf(page, 'about:blank', 10, undefined)
  const smooth = await scrollThrough(page, session, url)

  writeResult('console', {
    figures: [
      {
        name: 'first load of `/`: script and style, compressed',
        measured: `${kilobytes} kB in ${files.length} files`,
        baseline: '–',
        bar: '≤ 180 kB, without map and SQL editor',
        isMet: kilobytes <= 180,
      },
      {
        name: `first load of \`/\` until its heading and navigation can be used, ${loads} times`,
        measured: `p50 ${interactive.p50} ms, max ${interactive.max} ms`,
        baseline: '–',
        bar: '≤ 1 s',
        isMet: interactive.max <= 1000,
      },
      {
        name: 'event published on NATS → painted in the page, 50 events/s',
        measured: `p50 ${painted.p50} ms, p95 ${painted.p95}, p99 ${painted.p99} (n ${painted.n})`,
        baseline: 'a frame of the screen: 16.7 ms',
        bar: 'p95 ≤ 150 ms',
        isMet: painted.p95 <= 150,
      },
      {
        name: `frames a second while scrolling, ${nodeCount} nodes, ${eventsPerSecond} events/s, ${minutes} min`,
        measured: `median ${smooth.frames.p50}, slowest page ${smooth.slowestPage}`,
        baseline: `empty page: ${idle.p50}`,
        bar: 'median ≥ 50',
        isMet: smooth.frames.p50 >= 50,
      },
      {
        name: 'growth of the heap in that time, collected before and after',
        measured: `${smooth.heapGrowthMegabytes} MB`,
        baseline: `${smooth.heapMegabytes} MB after ${warmUpSeconds} s`,
        bar: '≤ 20 MB',
        isMet: smooth.heapGrowthMegabytes <= 20,
      },
    ],
    raw: { interactive, files, painted, idle, smooth },
  })

  async function loadOnce(address: string) {
    const context = await browser.newContext()
    const opened = await context.newPage()
    const loaded: string[] = []
    opened.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (/\.(js|css)$/.test(pathname) && loaded.every((each) => each !== pathname)) {
        loaded.push(pathname)
      }
    })
    const from = performance.now()
    await opened.goto(address, { waitUntil: 'commit' })
    await opened.getByRole('heading', { level: 1 }).waitFor()
    await opened.getByRole('link', { name: 'Messages' }).waitFor()
    const interactiveMs = performance.now() - from
    // What the page itself needs, without what it brings in when it is first looked at.
    const needed = loaded.filter((path) => !lazy.map.test(path) && !lazy.sql.test(path))
    const bytes = needed.reduce((sum, path) => sum + statSync(`${join(dist, path)}.gz`).size, 0)
    await context.close()
    return { interactiveMs, kilobytes: Math.round(bytes / 1000), files: needed }
  }
} finally {
  cluster.kill()
  await once(cluster, 'exit')
}

async function scrollThrough(page: Page, session: CDPSession, url: string) {
  const paths = ['/', '/messages', '/cluster', '/events']
  const seconds = (minutes * 60) / paths.length
  await framesOf(page, `${url}/events`, warmUpSeconds, url)
  const before = await heapOf(session)
  const all: { path: string; frames: number[] }[] = []
  for (const path of paths) {
    say(`${path} for ${seconds} s`)
    // By the navigation, as a person goes: the page is not loaded anew.
    await page.locator(`nav a[href^="${path}"]`).first().click()
    all.push({ path, frames: await countFrames(page, seconds) })
  }
  await page.locator('nav a[href^="/events"]').click()
  const after = await heapOf(session)
  const medians = all.map(({ path, frames }) => ({ path, ...describe(frames) }))
  const slowest = medians.toSorted((a, b) => a.p50 - b.p50)[0]
  return {
    frames: describe(all.flatMap(({ frames }) => frames)),
    slowestPage: slowest ? `${slowest.path}: ${slowest.p50}` : '–',
    medians,
    heapMegabytes: before,
    heapGrowthMegabytes: Math.round((after - before) * 10) / 10,
  }
}

async function framesOf(page: Page, address: string, seconds: number, base: string | undefined) {
  await page.goto(address)
  if (base !== undefined) await page.getByRole('heading', { level: 1 }).waitFor()
  return describe(await countFrames(page, seconds))
}

/** Frames that were painted in each second, while somebody scrolls up and down. */
async function countFrames(page: Page, seconds: number): Promise<number[]> {
  await page.evaluate(() => {
    const counted: number[] = []
    let frames = 0
    let from = performance.now()
    const count = (now: number): void => {
      frames += 1
      if (now - from >= 1000) {
        counted.push((frames * 1000) / (now - from))
        frames = 0
        from = now
      }
      Reflect.set(window, 'countedFrames', counted)
      Reflect.set(window, 'nextFrame', requestAnimationFrame(count))
    }
    requestAnimationFrame(count)
  })
  await page.mouse.move(640, 600)
  const until = performance.now() + seconds * 1000
  for (let turn = 0; performance.now() < until; turn += 1) {
    await page.mouse.wheel(0, turn % 40 < 20 ? 120 : -120)
    await wait(50)
  }
  return await page.evaluate(() => {
    cancelAnimationFrame(Number(Reflect.get(window, 'nextFrame')))
    const counted: unknown = Reflect.get(window, 'countedFrames')
    return Array.isArray(counted) ? counted.map(Number) : []
  })
}

/** Megabytes in use, after what is dead was thrown away. */
async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.enable')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return Math.round((usedSize / megabyte) * 10) / 10
}
