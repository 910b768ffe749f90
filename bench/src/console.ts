// What a browser makes of the console: how much it loads, and how smooth it stays under a large cluster.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startBrowser } from '@corroport/testing/browser.ts'
import { ensureConsole } from '../../infra/setup/console.mjs'
import { nextMessage, startProcess } from './child-process.ts'
import { measurePainted } from './console-painted.ts'
import { describe } from './quantiles.ts'
import { writeResult } from './result.ts'

const minutes = Number(process.argv[2] ?? 10)
const nodeCount = 500
const eventsPerSecond = 200
const loads = 7
const idleSeconds = 10
const warmUpSeconds = 30
const mostBytes = 180_000
const megabyte = 1024 * 1024
const dist = join(import.meta.dirname, '../../web/dist')
const map = /WorldMap|land-110m/
const say = (line: string): void => console.error(line)

await ensureConsole(process.env)
using cluster = startProcess('bench/src/simulated-cluster.ts', [
  String(nodeCount),
  String(eventsPerSecond),
])
const url = `http://127.0.0.1:${String(await nextMessage(cluster))}`
await using browser = await startBrowser()

say('first loads')
const first = []
for (let load = 0; load < loads; load += 1) first.push(await loadOnce())
const interactive = describe(first.map(({ interactiveMs }) => interactiveMs))
const files = [...new Set(first.flatMap(({ needed }) => needed))]
const bytes = files.reduce((sum, path) => sum + statSync(`${join(dist, path)}.gz`).size, 0)

say('events until they are painted')
const painted = await measurePainted(browser)

say(`${nodeCount} nodes, ${eventsPerSecond} events/s, ${minutes} minutes`)
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
const session = await page.context().newCDPSession(page)
await page.goto('about:blank')
const idle = describe(await countFrames(idleSeconds))
const smooth = await scrollThrough()

writeResult('console', {
  figures: [
    {
      name: 'first load of `/`: script and style, compressed',
      measured: `${Math.round(bytes / 1000)} kB in ${files.length} files`,
      baseline: '–',
      bar: '≤ 180 kB, without the map',
      isMet: bytes <= mostBytes,
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
      measured: `median ${smooth.frames.p50}, slowest page ${smooth.slowest.path}: ${smooth.slowest.p50}`,
      baseline: `empty page: ${idle.p50}`,
      bar: 'median ≥ 50 on each page',
      isMet: smooth.slowest.p50 >= 50,
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

async function loadOnce() {
  await using context = await browser.newContext()
  const opened = await context.newPage()
  const loaded: string[] = []
  opened.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (/\.(js|css)$/.test(pathname)) loaded.push(pathname)
  })
  const from = performance.now()
  await opened.goto(url, { waitUntil: 'commit' })
  await opened.getByRole('heading', { level: 1 }).waitFor()
  await opened.getByRole('link', { name: 'Messages' }).waitFor()
  const interactiveMs = performance.now() - from
  // What the page itself needs, without what it brings in when it is first looked at.
  return { interactiveMs, needed: loaded.filter((path) => !map.test(path)) }
}

async function scrollThrough() {
  const paths = ['/', '/messages', '/cluster', '/events']
  const seconds = (minutes * 60) / paths.length
  await page.goto(`${url}/events`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await countFrames(warmUpSeconds)
  const before = await heapInUse()
  const all: { path: string; frames: number[] }[] = []
  for (const path of paths) {
    say(`${path} for ${seconds} s`)
    // By the navigation, as a person goes: the page is not loaded anew.
    await page.locator(`nav a[href^="${path}"]`).first().click()
    all.push({ path, frames: await countFrames(seconds) })
  }
  await page.locator('nav a[href^="/events"]').click()
  const after = await heapInUse()
  const medians = all.map(({ path, frames }) => ({ path, ...describe(frames) }))
  return {
    frames: describe(all.flatMap(({ frames }) => frames)),
    slowest: medians.reduce((a, b) => (b.p50 < a.p50 ? b : a)),
    medians,
    heapMegabytes: before,
    heapGrowthMegabytes: Math.round((after - before) * 10) / 10,
  }
}

/** Frames that were painted in each second, while somebody scrolls up and down. */
async function countFrames(seconds: number): Promise<number[]> {
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
async function heapInUse(): Promise<number> {
  await session.send('HeapProfiler.enable')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return Math.round((usedSize / megabyte) * 10) / 10
}
