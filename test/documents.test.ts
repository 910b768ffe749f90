// A command in a document is run here, or it would rot; that the others exist is seen in
// document-commands.test.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { postJson } from './http.ts'

const root = join(import.meta.dirname, '..')
const home = createTemporaryFolder()
let cluster: Cluster

beforeAll(async () => {
  const environment = { ...process.env, DATABASE_URL: undefined }
  const where = { home: home.path, portOffset: 'free', environment } as const
  cluster = await startCluster({ ...where, analytics: true })
  await cluster.ready()
}, 60_000)

afterAll(async () => {
  await cluster.kill()
  rmSync(cluster.layout.postgresFolder, { recursive: true, force: true })
  home[Symbol.dispose]()
})

/** The lines of all `sh` blocks, without comments. */
function commandsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => line !== ''),
  )
}

const isEndless = (command: string): boolean => /corroport (watch|tap)|curl -sN/.test(command)

function run(command: string): ChildProcess {
  const line = command
    .replace(/^npx corroport/, `"${process.execPath}" "${root}/packages/cli/bin/corroport.mjs"`)
    .replace('localhost:4001', new URL(cluster.node(1).apiUrl).host)
    .replaceAll(
      /127\.0\.0\.1:878([789])/g,
      (_, last) => cluster.node(Number(last) - 6).gossipEndpoint,
    )
    .replace(/ --node 2\b/, ` --url ${cluster.node(2).apiUrl}`)
  return spawn('/bin/sh', ['-c', `exec ${line}`], {
    cwd: home.path,
    env: {
      ...process.env,
      CORROPORT_URL: cluster.node(1).apiUrl,
      NATS_URL: cluster.shape.natsUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

// `nats` is the operator's own tool; `local` owns a cluster.
const runnable = [
  ...['README.md', 'docs/measuring.md', 'docs/querying.md']
    .flatMap(commandsOf)
    .filter((command) => /^(npx corroport|curl) /.test(command)),
  // Those that only look; what changes a cluster has its own tests.
  ...['docs/configuration.md', 'docs/bootstrap.md']
    .flatMap(commandsOf)
    .filter((command) => /^npx corroport config (show|history|plan) /.test(command)),
  ...commandsOf('docs/operations.md').filter((command) => command.startsWith('npx corroport ')),
]

test('the README has commands to run', () => {
  expect(runnable.length).toBeGreaterThan(8)
})

test.each(runnable.filter((command) => !isEndless(command)))(
  '%s',
  async (command) => {
    const child = run(command)
    let errors = ''
    let answer = ''
    child.stderr?.on('data', (chunk) => {
      errors += String(chunk)
    })
    child.stdout?.on('data', (chunk) => {
      answer += String(chunk)
    })

    const [code] = await once(child, 'close')

    // Progress of long work goes there too.
    const complaints = errors.split('\n').filter((line) => !/  \[[#.]+\]  /.test(line))
    // With the answer, so that a failure shows it.
    expect({ code, complaints, answer }).toEqual({ code: 0, complaints: [''], answer })
  },
  90_000,
)

test.each(runnable.filter(isEndless))('%s', async (command) => {
  const child = run(command)
  // Something is said as soon as it listens and a message is sent.
  const sending = setInterval(() => {
    void postJson(`${cluster.node(1).apiUrl}/api/messages/send`, { content: 'seen?' })
  }, 200)

  const [said] = await once(child.stdout ?? child, 'data')

  clearInterval(sending)
  child.kill('SIGTERM')
  await once(child, 'exit')
  expect(String(said)).not.toBe('')
})
