// The pages of `live.ts`, in a process of their own: each checks that it gets every event.
import { get, type IncomingMessage } from 'node:http'
import { fromTimestamp, nowMicroseconds } from '@corroport/contracts'
import type { LiveFindings } from './live-findings.ts'
import { describe } from './quantiles.ts'

const [url = '', count = '0', slow = '0'] = process.argv.slice(2)
// Of every tenth page the time is taken as well, which costs more than counting.
const timedShare = 10
const marker = '"index":'

const latenciesMs: number[] = []
const pages = await Promise.all(
  Array.from({ length: Number(count) }, (_, index) => openPage(index)),
)
const slowPages = await Promise.all(Array.from({ length: Number(slow) }, openSlowPage))
process.send?.('open')
process.on('message', (published: unknown) => void finish(Number(published)))

async function openPage(index: number) {
  const page = { next: 0, wrong: 0, isOver: false }
  const response = await open()
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const arrivedAt = nowMicroseconds()
    const frames = (rest + chunk).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const at = frame.indexOf(marker)
      if (at < 0) continue
      if (Number.parseInt(frame.slice(at + marker.length), 10) !== page.next) page.wrong += 1
      page.next += 1
      if (index % timedShare !== 0) continue
      const saidAt = fromTimestamp(/"observedAt":"([^"]*)"/.exec(frame)?.[1] ?? '')
      if (saidAt !== undefined) latenciesMs.push((arrivedAt - saidAt) / 1000)
    }
  })
  response.on('close', () => {
    page.isOver = true
  })
  return page
}

async function openSlowPage(): Promise<IncomingMessage> {
  const response = await open()
  response.pause()
  return response
}

function open(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject)
  })
}

async function finish(published: number): Promise<void> {
  const ends = await Promise.all(slowPages.map(readToEnd))
  const findings: LiveFindings = {
    pages: pages.length,
    complete: pages.filter(
      ({ next, wrong, isOver }) => next === published && wrong === 0 && !isOver,
    ).length,
    latencyMs: describe(latenciesMs),
    slowPages: ends.length,
    toldSlowPages: ends.filter((text) => text.includes('event: dropped')).length,
  }
  process.send?.(findings, () => process.exit())
}

async function readToEnd(response: IncomingMessage): Promise<string> {
  let text = ''
  // One that was not cut off would go on for ever.
  setTimeout(() => response.destroy(), 10_000)
  try {
    for await (const chunk of response.setEncoding('utf8'))
      text = (text + String(chunk)).slice(-500)
  } catch {
    // Cut off without an end.
  }
  return text
}
