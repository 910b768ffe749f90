import { createParser, LiveEvent } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { expect } from '@jest/globals'
import { Type } from 'typebox'
import type { Caller } from './harness.ts'

export const parseEvent = createParser('live event', LiveEvent)

export interface Frame {
  name: string
  data: string
  id: string | undefined
}

/** An open page: what came, and the last id that a browser would resume with. */
export async function openPage(
  api: Pick<Caller, 'url'>,
  query = '',
  headers: Record<string, string> = {},
) {
  const stopping = new AbortController()
  const { signal } = stopping
  const response = await fetch(`${api.url}/api/events${query}`, { headers, signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const frames: Frame[] = []
  const page = { frames, lastId: '', beats: 0, isOver: false }
  const reading = (async () => {
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) take(page, block)
    }
  })()
    .catch(() => undefined) // closed by the test
    .finally(() => {
      page.isOver = true
    })
  // While NATS is away there is no place yet, which is said.
  await until(() => page.lastId !== '' || frames.length > 0 || page.isOver)
  return Object.assign(page, {
    events: () =>
      frames.filter(({ id }) => id !== undefined).map(({ data }) => parseEvent(JSON.parse(data))),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await reading
    },
  })
}

// Told when a look finds it, which here is any time after a start; and beside what was asked for.
const otherNews = ['cluster.changed', 'audit.noted']

function take(page: { frames: Frame[]; lastId: string; beats: number }, block: string): void {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  if (block.startsWith(': alive')) page.beats += 1
  const id = fields.get('id')
  if (id !== undefined) page.lastId = id
  const data = fields.get('data')
  const name = fields.get('event') ?? 'message'
  if (data === undefined || otherNews.includes(name)) return
  page.frames.push({ name, data, id })
}

export type Page = Awaited<ReturnType<typeof openPage>>

/** The messages of a kind of event, in the order in which they came. */
export function messagesIn(page: Page, name: string): string[] {
  return page.frames
    .filter((frame) => frame.name === name)
    .map(({ data }) => parsePayload(parseEvent(JSON.parse(data)).payload).messageId)
}

const parsePayload = createParser('payload', Type.Object({ messageId: Type.String() }))
