import { setTimeout as wait } from 'node:timers/promises'
import { SendReply } from '@corroport/contracts'
import { Value } from 'typebox/value'
import type { Api } from './api.ts'

export interface Load {
  attempted: number
  /** Ids of the messages that were answered with 200. */
  accepted: string[]
  /** What went wrong, by what was said. */
  failures: Map<string, number>
}

/** Sends at fixed times until it is told to end, to each gateway in turn, whether or not it was answered. */
export async function sendUntil(
  signal: AbortSignal,
  { apis, ratePerSecond }: { apis: readonly Api[]; ratePerSecond: number },
): Promise<Load> {
  const load: Load = { attempted: 0, accepted: [], failures: new Map() }
  const startedAt = performance.now()
  const sends: Promise<void>[] = []
  for (let index = 0; !signal.aborted; index += 1) {
    const early = startedAt + (index * 1000) / ratePerSecond - performance.now()
    if (early > 0) await wait(early)
    const api = apis[index % apis.length]
    if (!api) throw new Error('there is no gateway to send to')
    load.attempted += 1
    sends.push(
      sendOne(api, `load ${index}`).then(
        (id) => void load.accepted.push(id),
        (error: unknown) => {
          const said = Error.isError(error) ? error.message : String(error)
          load.failures.set(said, (load.failures.get(said) ?? 0) + 1)
        },
      ),
    )
  }
  await Promise.all(sends)
  return load
}

export async function sendOne({ url, headers }: Api, content: string): Promise<string> {
  const response = await fetch(`${url}/api/messages/send`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ content }),
    signal: AbortSignal.timeout(15_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${detailOf(text)}`)
  return Value.Parse(SendReply, JSON.parse(text)).message.pk
}

/** In a gateway's words; a load balancer has a page of HTML for it. */
function detailOf(text: string): string {
  const said = /"detail":"([^"]*)"/.exec(text)?.[1]
  const shown = text.replaceAll(/<[^>]*>|\s+/g, ' ').trim()
  return said ?? shown.slice(0, 100)
}
