// The page of the builds, as an operator uses it.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Console, findBarriers, settled, startConsole, takePicture } from './console.ts'

jest.setTimeout(60_000)

let shown: Console
const worker: Record<string, string> = {}
let id = ''
let lease = ''

async function ask(path: string, init: RequestInit): Promise<Record<string, unknown>> {
  const { env } = shown.cluster.part('builds').definition
  const response = await fetch(`http://127.0.0.1:${env.PORT}/api/v2${path}`, init)
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
  return Value.Parse(Type.Record(Type.String(), Type.Unknown()), await response.json())
}

function asJson(body: object, headers: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

function log(message: string, level = 'info') {
  return ask(`/builds/${id}/logs`, asJson({ level, message }, { 'x-lease-token': lease }))
}

beforeAll(async () => {
  shown = await startConsole({}, { builds: true })
  const { env } = shown.cluster.part('builds').definition
  const key = { 'x-api-key': readFileSync(env.CONTROLLER_API_KEY_FILE ?? '', 'utf8') }
  const form = new FormData()
  form.set('platform', 'ios')
  form.set('source', new Blob(['a source']), 'source.zip')
  id = String((await ask('/builds/submit', { method: 'POST', headers: key, body: form }))['id'])
  const hostile = '<img src=x onerror=alert(1)>'
  const registration = { name: hostile, capabilities: { platforms: ['ios'] } }
  const { access_token: token } = await ask('/workers/register', asJson(registration, key))
  worker['x-worker-token'] = String(token)
  const { job } = await ask('/workers/poll?wait=10', { headers: worker })
  lease = Value.Parse(Type.Object({ lease_token: Type.String() }), job).lease_token
  await log('Installing <b>pods</b>')
}, 120_000)
afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

test('the queue, who builds what, and a log as it is written', async () => {
  await using page = await shown.open('/builds')
  await settled(page)

  await page.getByRole('link', { name: id }).first().click()
  await page.getByText('Installing <b>pods</b>').waitFor()
  await log('ld: symbol not found', 'error')
  await page.getByText('ld: symbol not found').waitFor()
  await page.getByRole('cell', { name: '<img src=x onerror=alert(1)>' }).first().waitFor()
  await page.getByText('Installing').waitFor()

  expect(new URL(page.url()).searchParams.get('build')).toBe(id)
  await takePicture(page, 'builds')
  expect(await findBarriers(page)).toEqual([])
  expect(shown.complaintsOf(page)).toEqual([])
})

test('a worker is drained and takes builds again', async () => {
  await using page = await shown.open('/builds')
  await settled(page)

  await page.getByRole('button', { name: /^Drain / }).click()
  await page.getByText('gets nothing new').first().waitFor()

  expect(shown.complaintsOf(page)).toEqual([])
})

test('a build is cancelled when that is confirmed, and built again', async () => {
  await using page = await shown.open(`/builds?build=${id}`)
  await settled(page)

  await page.getByRole('button', { name: 'Cancel …' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the build' }).click()
  await page.getByRole('button', { name: 'Build again' }).click()
  await page
    .getByText(/build [\w-]{21} waits/)
    .first()
    .waitFor()

  const chosen = new URL(page.url()).searchParams.get('build')
  expect(chosen).not.toBe(id)
  await page.getByRole('heading', { name: `Build ${chosen}` }).waitFor()
  expect(shown.complaintsOf(page)).toEqual([])
})
