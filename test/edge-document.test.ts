// Every command of docs/edge-proxy.md, in its order, at a cluster with points of presence.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')
const resources = new AsyncDisposableStack()
const home = resources.use(createTemporaryFolder())
// Files that commands write stay in here; what they read is the repository's.
const folder = resources.use(createTemporaryFolder())
let cluster: Cluster

beforeAll(async () => {
  const environment = { ...process.env, DATABASE_URL: undefined }
  cluster = await startCluster({ home: home.path, portOffset: 'free', edge: true, environment })
  resources.defer(() => cluster.kill())
  await cluster.ready()
  for (const name of ['services', 'corrosion', 'packages', 'node_modules']) {
    symlinkSync(join(root, name), join(folder.path, name))
  }
}, 90_000)
afterAll(async () => {
  await resources.disposeAsync()
  rmSync(folder.path, { recursive: true, force: true })
})

const text = readFileSync(join(root, 'docs/edge-proxy.md'), 'utf8')
const commands = [...text.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.trimEnd().split('\n'))
  // The cluster is there already; compose is tried in infra/docker.
  .filter((line) => !/^(npm start|docker compose) /.test(line))

function start(command: string): ChildProcess {
  // As a cluster's are, those of the document are moved away from others on this machine.
  const moved = command.replaceAll(
    /((?:localhost|127\.0\.0\.1):|_PORT=|--port |127\.0\.0\.1 |-p |', |1\\u0027, )([78]\d{3})\b/g,
    (_, before: string, port: string) => `${before}${Number(port) + cluster.shape.portOffset}`,
  )
  const cli = `"${process.execPath}" "${root}/packages/cli/bin/corroport.mjs"`
  const line = moved.replace('npx corroport', cli)
  return spawn('/bin/bash', ['-c', `exec env ${line}`.replace(/^exec env (sqlite3)/, '$1')], {
    cwd: folder.path,
    env: { ...process.env, CORROPORT_URL: cluster.node(1).apiUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

interface Said {
  output: string
  errors: string
}

function listenTo(child: ChildProcess): Said {
  const said = { output: '', errors: '' }
  child.stdout?.on('data', (chunk) => {
    said.output += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    said.errors += String(chunk)
  })
  return said
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'error').then(() => ['error']),
  ]).catch(() => ['error'])
  socket.destroy()
  return event === 'connect'
}

/** What goes on beside the commands after it: until it says so, or something, and listens. */
async function startBeside(command: string): Promise<void> {
  const child = start(command)
  const said = listenTo(child)
  resources.defer(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  const ports = [...command.matchAll(/(?<!DNS_LISTEN)(?:_PORT=|_ADDR=127\.0\.0\.1:)(\d+)/g)]
    .filter(([whole]) => !whole.includes('7053'))
    .map(([, port]) => Number(port) + cluster.shape.portOffset)
  // A proxy holds its ports for a moment before its threads listen there.
  const word = command.includes('src/main.ts') ? '"started"' : ''
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${command} ended: ${said.errors}${said.output}`)
    const open = await Promise.all(ports.map(isOpen))
    const told = said.output + said.errors
    return told !== '' && told.includes(word) && open.every(Boolean)
  }, 20_000)
}

test('the document has commands', () => {
  expect(commands.length).toBeGreaterThan(20)
})

test.each(commands)(
  '%s',
  async (command) => {
    if (command.endsWith(' &')) {
      await startBeside(command.slice(0, -2))
      return
    }
    const child = start(command)
    const said = listenTo(child)

    const [code] = await once(child, 'close')

    // What they say of a failure may stand in an answer that is one.
    const isAnswer = /^(curl|dig)/.test(command)
    const isFailure = isAnswer && (/^$|"error"/.test(said.output) || said.errors !== '')
    expect({ code, isFailure, ...said }).toEqual({ code: 0, isFailure: false, ...said })
  },
  30_000,
)
