// Every command of docs/build-controller.md, in its order, at a cluster with a build controller.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')
const resources = new AsyncDisposableStack()
const home = resources.use(createTemporaryFolder())
// Files that commands write stay in here; what they read is the repository's.
const folder = resources.use(createTemporaryFolder())
const environment: NodeJS.ProcessEnv = { ...process.env }
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({
    home: home.path,
    nodes: 1,
    portOffset: 'free',
    builds: true,
    environment: { ...process.env, DATABASE_URL: undefined },
  })
  resources.defer(() => rmSync(cluster.layout.postgresFolder, { recursive: true, force: true }))
  resources.defer(() => cluster.kill())
  await cluster.ready()
  for (const name of ['services', 'packages', 'node_modules', 'package-lock.json']) {
    symlinkSync(join(root, name), join(folder.path, name))
  }
  symlinkSync(home.path, join(folder.path, '.corroport'))
  environment.CORROPORT_URL = cluster.node(1).apiUrl
  environment.NATS_URL = cluster.shape.natsUrl
  environment.BUILD_CONTROLLER_URL = `http://localhost:${4444 + cluster.shape.portOffset}`
}, 90_000)
afterAll(() => resources.disposeAsync())

const text = readFileSync(join(root, 'docs/build-controller.md'), 'utf8')
const commands = [...text.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.trimEnd().split('\n'))
  // The cluster is there already; compose is tried in infra/docker.
  .filter((line) => !/^(npm start|docker compose) /.test(line))

function start(command: string) {
  const cli = `"${process.execPath}" "${root}/packages/cli/bin/corroport.mjs"`
  const line = command
    .replaceAll('npx corroport', cli)
    // As a cluster's are, that of the document is moved away from others on this machine.
    .replaceAll('localhost:4444', `localhost:${4444 + cluster.shape.portOffset}`)
  const child = spawn('/bin/bash', ['-c', line], {
    cwd: folder.path,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { output: '', errors: '' }
  child.stdout.on('data', (chunk) => {
    said.output += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    said.errors += String(chunk)
  })
  return { child, said }
}

async function run(command: string): Promise<string> {
  const { child, said } = start(command)
  const [code] = await once(child, 'close')
  expect({ code, ...said }).toEqual({ code: 0, ...said })
  return said.output.trim()
}

/** What goes on beside the commands after it. */
async function startBeside(command: string): Promise<string> {
  const { child, said } = start(`exec env ${command}`)
  resources.defer(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  return await until(() => said.output)
}

test('the document has commands', () => {
  expect(commands.length).toBeGreaterThan(15)
})

test.each(commands)(
  '%s',
  async (command) => {
    const [, name, value] = /^(?:export )?([A-Z_]+)=(\S+|\$\(.*\))$/.exec(command) ?? []
    let output: string
    if (name !== undefined && value !== undefined) {
      output = await run(`printf %s ${value}`)
      environment[name] = output
    } else if (command.endsWith(' &')) output = await startBeside(command.slice(0, -2))
    else output = await run(command)

    expect(output !== '').toBe(!command.includes(' > '))
  },
  30_000,
)
