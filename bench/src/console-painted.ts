import { setTimeout as wait } from 'node:timers/promises'
import { onceConnected } from '@corroport/bus'
import {
  type ChangeObserved,
  changeObserved,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { until } from '@corroport/testing'
import type { Browser } from 'playwright-core'
import { startOneGateway } from './one-gateway.ts'
import { type Distribution, describe } from './quantiles.ts'

const eventsPerSecond = 50
const warmUp = 50
const events = 1000

/** How long it takes from an event's publication on NATS until a page has painted it. Milliseconds. */
export async function measurePainted(browser: Browser): Promise<Distribution> {
  await using gateway = await startOneGateway()
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(`${gateway.api}/events?subjects=corro.change.>`)
  await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
  const painted = new Map<number, number>()
  await page.exposeFunction('tellPainted', (index: number, at: number) => painted.set(index, at))
  await page.evaluate(() => {
    const told = new Set<number>()
    let inTree: number[] = []
    const look = (): void => {
      // What stood in the page a frame ago is on the screen now.
      for (const index of inTree.filter((each) => !told.has(each))) {
        told.add(index)
        Reflect.get(window, 'tellPainted')(index, Date.now())
      }
      const rows = [...document.querySelectorAll('.events-payload')]
      inTree = rows.flatMap((row) => {
        const index = /painted-(\d+)/.exec(row.textContent)?.[1]
        return index === undefined ? [] : Number(index)
      })
      requestAnimationFrame(look)
    }
    look()
  })

  const published: number[] = []
  await onceConnected(gateway.bus, async ({ nats }) => {
    const startedAt = performance.now()
    for (let index = 0; index < events; index += 1) {
      const payload = eventOf(`painted-${index}`)
      published.push(Date.now())
      nats.publish(changeObserved.subject(payload), JSON.stringify(payload))
      const dueAt = startedAt + ((index + 1) * 1000) / eventsPerSecond
      await wait(Math.max(0, dueAt - performance.now()))
    }
  })
  // None is left out, so that no slow one is.
  await until(() => painted.size === events)
  await page.close()
  return describe(
    published.map((from, index) => (painted.get(index) ?? Infinity) - from).slice(warmUp),
  )
}

function eventOf(table: string): ChangeObserved {
  const observedAt = toTimestamp(nowMicroseconds())
  return {
    nodeId: 'node1',
    table,
    key: ['key'],
    keyDigest: 'digest',
    change: 'insert',
    rowVersion: table,
    row: { key: 'key' },
    writes: [],
    via: 'updates',
    observedAt,
  }
}
