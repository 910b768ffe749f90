// The commands of builds against a real controller, and what they say where there is none. What a
// user types in the order of docs/build-controller.md is run by test/build-document.test.ts.
import { existsSync, readFileSync } from 'node:fs'
import { glob, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createTemporaryFolder, freePort } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  apiKey,
  createDatabase,
  registerWorker,
  startController,
  startPostgresOfFile,
  submit,
  toForm,
} from '../../../services/build-controller/test/harness.ts'
import { corroport, startCorroport } from './corroport.ts'

const postgres = startPostgresOfFile()

const environmentOf = ({ origin }: { origin: string }, key = apiKey) => ({
  environment: { BUILD_CONTROLLER_URL: origin, CONTROLLER_API_KEY: key },
})

test('without a controller it says how to have one', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  const ended = await corroport(['builds', 'list', '--controller', url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain(`${url} is not reached`)
  expect(ended.stderr).toContain('npm start -- --builds')
})

test('what answers but is no controller is named', async () => {
  await using stack = new AsyncDisposableStack()
  const other = createServer((_request, response) => response.end('<html>hello</html>'))
  const port = await freePort()
  await new Promise<void>((listening) => other.listen(port, '127.0.0.1', listening))
  stack.defer(() => void other.close())
  const ended = await corroport(['builds', 'list', '--controller', `http://127.0.0.1:${port}`])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('is no build controller of this version')
})

test('a key that is missing, wrong, said twice or unreadable is told, and never shown', async () => {
  await using controller = await startController(postgres())
  const { environment } = environmentOf(controller)
  const list = (changes: Record<string, string>) =>
    corroport(['builds', 'list'], { environment: { ...environment, ...changes } })
  const wrong = 'a-wrong-key-of-somebody-0123456789'

  const ended = [
    await list({ CONTROLLER_API_KEY: '' }),
    await list({ CONTROLLER_API_KEY: wrong }),
    await list({ CONTROLLER_API_KEY_FILE: '/nowhere' }),
    await list({ CONTROLLER_API_KEY: '', CONTROLLER_API_KEY_FILE: '/nowhere' }),
  ]

  expect(ended.map(({ code }) => code)).toEqual([1, 1, 2, 2])
  expect(ended.map(({ stderr }) => stderr)).toEqual([
    expect.stringContaining('a key is asked for: set CONTROLLER_API_KEY'),
    expect.stringContaining('Invalid API key'),
    expect.stringContaining('are both set: keep one'),
    expect.stringContaining('CONTROLLER_API_KEY_FILE /nowhere cannot be read'),
  ])
  for (const { stdout, stderr } of ended) expect(stdout + stderr).not.toContain(wrong)
})

test('what cannot be submitted is refused before or by the controller, and nothing waits', async () => {
  await using controller = await startController(postgres())
  using folder = createTemporaryFolder()
  const source = join(folder.path, 'app.zip')
  await writeFile(source, 'PK of a source')
  const submitting = (...args: string[]) =>
    corroport(['builds', 'submit', ...args], environmentOf(controller))

  const ended = [
    await submitting(join(folder.path, 'none.zip'), '--platform', 'ios'),
    await submitting(source),
    await submitting(source, '--platform', 'windows'),
    await submitting(source, '--platform', 'ios', '--priority', '11'),
    await submitting(source, '--platform', 'ios', '--labels', 'a label with spaces'),
  ]

  expect(ended.map(({ code }) => code)).toEqual([2, 2, 2, 2, 1])
  expect(ended[0]?.stderr).toContain('none.zip cannot be read')
  const { rows } = await controller.pool.query('SELECT FROM builds.build')
  expect(rows).toHaveLength(0)
})

test('builds of nobody are not found', async () => {
  await using controller = await startController(postgres())
  const asked = [
    ['show', '../workers'],
    ['log', 'nothing'],
    ['log', 'nothing', '--follow'],
    ['download', 'nothing'],
    ['cancel', 'nothing', '--yes'],
    ['retry', 'nothing'],
    ['drain', 'nothing'],
    ['key', 'revoke', 'nothing', '--yes'],
  ]
  for (const args of asked) {
    const { code, stdout, stderr } = await corroport(['builds', ...args], environmentOf(controller))
    expect([args, code, stdout]).toEqual([args, 1, ''])
    expect(stderr).toMatch(/not found/i)
  }
})

test('a download that is not what was stored leaves no file', async () => {
  await using controller = await startController(postgres())
  using folder = createTemporaryFolder()
  const { id } = await submit(controller)
  const worker = await registerWorker(controller)
  await controller.ask('/api/workers/poll', { headers: worker.headers })
  await controller.ask('/api/workers/upload', {
    headers: worker.headers,
    form: toForm({
      build_id: id,
      worker_id: worker.id,
      success: 'true',
      result: new Blob(['ipa']),
    }),
  })
  const output = join(folder.path, 'app.ipa')
  const download = ['builds', 'download', id, '--output', output]

  const whole = await corroport(download, environmentOf(controller))
  expect([whole.code, readFileSync(output, 'utf8')]).toEqual([0, 'ipa'])

  await writeFile(output, 'what was there')
  const { rows } = await controller.pool.query('SELECT result_name FROM builds.build')
  const [stored] = await Array.fromAsync(
    glob(`**/${rows[0].result_name}`, { cwd: controller.storageRoot }),
  )
  await writeFile(join(controller.storageRoot, stored ?? ''), 'ape')
  const spoilt = await corroport(download, environmentOf(controller))
  expect(spoilt.code).toBe(1)
  expect(spoilt.stderr).toMatch(/not downloaded: what came has SHA-256 \w{64}, not \w{64}/)
  expect(readFileSync(output, 'utf8')).toBe('what was there')
  expect(existsSync(`${output}.part`)).toBe(false)
})

test('a log is followed over a restart of its controller, and ends as its build does', async () => {
  using folder = createTemporaryFolder()
  await using database = await createDatabase(postgres())
  const settings = { PORT: String(await freePort()) }
  const shared = { databaseUrl: database.url, storageRoot: folder.path }
  const first = await startController(postgres(), settings, shared)
  const { origin } = first
  const { id } = await submit(first)
  const worker = await registerWorker(first)
  await first.ask('/api/workers/poll', { headers: worker.headers })
  const tell = (controller: typeof first, message: string) =>
    controller.ask(`/api/builds/${id}/logs`, {
      headers: worker.headers,
      body: { level: 'info', message },
    })
  await tell(first, 'before')

  await using following = startCorroport(
    ['builds', 'log', id, '--follow'],
    environmentOf({ origin }),
  )
  expect(await following.line()).toContain('before')
  await first[Symbol.asyncDispose]()
  expect(await following.note()).toContain('the connection ended; going on after line 1')

  await using second = await startController(postgres(), settings, shared)
  await tell(second, 'after')
  expect(await following.line()).toContain('after')
  await second.ask('/api/workers/fail', {
    headers: worker.headers,
    body: { build_id: id, worker_id: worker.id, error: 'xcodebuild ended with 65' },
  })
  expect(await following.end()).toBe(1)
})
