// A command in a document is run here, or it would rot.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
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

// `nats` is the operator's own tool; npm's commands are checked below; `local` owns a cluster.
const runnable = [
  ...['README.md', 'docs/measuring.md', 'docs/querying.md']
    .flatMap(commandsOf)
    .filter((command) => /^(npx corroport|curl) /.test(command)),
  // Those that only look; what changes a cluster has its own tests.
  ...['docs/configuration.md', 'docs/bootstrap.md']
    .flatMap(commandsOf)
    .filter((command) => /^npx corroport config (show|history|plan) /.test(command)),
]

test('the README has commands to run', () => {
  expect(runnable.length).toBeGreaterThan(8)
})

test.each(runnable.filter((command) => !isEndless(command)))(
  '%s',
  async (command) => {
    const child = run(command)
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += String(chunk)
    })
    child.stdout?.resume()

    const [code] = await once(child, 'exit')

    // Progress of long work goes there too.
    const complaints = errors.split('\n').filter((line) => !/  \[[#.]+\]  /.test(line))
    expect({ code, complaints }).toEqual({ code: 0, complaints: [''] })
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

test.each(['README.md', 'docs/development.md'])('the npm commands of %s exist', (path) => {
  const { scripts } = Value.Parse(
    Type.Object({ scripts: Type.Record(Type.String(), Type.String()) }),
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')),
  )
  const named = commandsOf(path).flatMap(
    (command) => /^npm (?:run )?([a-z:]+)/.exec(command)?.[1] ?? [],
  )

  expect(named.filter((name) => !(name in scripts))).toEqual([])
})
