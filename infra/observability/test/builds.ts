import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster } from '@corroport/local'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const everyMs = 100
const Registered = Type.Object({ access_token: Type.String() })

/** A worker that asks for builds all the time, and is given none; and one build that nobody wants. */
export async function keepBuildsBusy(cluster: Cluster): Promise<AsyncDisposable> {
  const { env } = cluster.part('builds').definition
  const origin = `http://127.0.0.1:${env.PORT}`
  const key = { 'x-api-key': readFileSync(env.CONTROLLER_API_KEY_FILE ?? '', 'utf8') }
  const form = new FormData()
  form.set('platform', 'android')
  form.set('source', new Blob(['a source']), 'source.zip')
  await fetch(`${origin}/api/v2/builds/submit`, { method: 'POST', headers: key, body: form })
  const registered = await fetch(`${origin}/api/v2/workers/register`, {
    method: 'POST',
    headers: { ...key, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'idle', capabilities: { platforms: ['ios'] } }),
  })
  const { access_token: token } = Value.Parse(Registered, await registered.json())

  const stopping = new AbortController()
  const { signal } = stopping
  const asking = (async () => {
    while (!signal.aborted) {
      const headers = { 'x-worker-token': token }
      await fetch(`${origin}/api/v2/workers/poll`, { headers, signal }).catch(() => undefined)
      await wait(everyMs, undefined, { signal }).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await asking
    },
  }
}
