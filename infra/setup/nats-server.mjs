import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCaptured } from './command.mjs'
import { download, downloadText, formatBytes } from './download.mjs'
import { withLock } from './lock.mjs'
import { cacheFolder, projectPrograms } from './places.mjs'
import {
  isAtLeast,
  isProgram,
  link,
  namedProgram,
  onPath,
  parseVersion,
  putInPlace,
  versionLine,
} from './program.mjs'
import { startProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

const version = '2.14.9'
// Consumers have several filter subjects since 2.10; an older server ignores the field silently.
const minimum = [2, 10]
const release = `https://github.com/nats-io/nats-server/releases/download/v${version}`
const ownPath = join(projectPrograms, 'nats-server')
const goPackage = `github.com/nats-io/nats-server/v2@v${version}`

/** Path of a nats-server that is recent enough; installs one where there is none. */
export async function ensureNatsServer(env, note) {
  const path = findNatsServer(env, note) ?? (await installOnce(env, note))
  if (path === cachedPath(env)) link(path, ownPath)
  return path
}

export function findNatsServer(env, note) {
  const named = namedProgram('NATS_SERVER_BIN', env)
  if (named !== undefined) {
    if (isRecent(named)) return named
    throw new SetupError(
      `NATS_SERVER_BIN is ${named}, which is not a nats-server of ${minimum.join('.')} or later.`,
      'name a newer one, or unset NATS_SERVER_BIN.',
    )
  }
  for (const path of onPath('nats-server', env)) {
    if (isRecent(path)) return path
    note(`${path} is no nats-server of ${minimum.join('.')} or later and is not used`)
  }
  return [ownPath, cachedPath(env)].find((path) => isProgram(path) && isRecent(path))
}

function isRecent(path) {
  return isAtLeast(parseVersion(versionLine(path)) ?? [0, 0], minimum)
}

function installationFolder(env) {
  return join(cacheFolder(env), `nats-server-${version}`)
}

function cachedPath(env) {
  return join(installationFolder(env), 'bin/nats-server')
}

function installOnce(env, note) {
  return withLock(
    `${installationFolder(env)}.lock`,
    async (addOwner) => findNatsServer(env, () => {}) ?? (await install(env, addOwner)),
    (pid) => note(`process ${pid} brings in nats-server; waiting`),
  )
}

async function install(env, addOwner) {
  const progress = startProgress(`nats-server ${version}`)
  const partial = `${installationFolder(env)}.partial`
  const failures = []
  for (const bringIn of [fromRelease, fromGo]) {
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(join(partial, 'bin'), { recursive: true })
    try {
      await bringIn(partial, { env, progress, addOwner })
      if (versionLine(join(partial, 'bin/nats-server')) === undefined) {
        throw new Error('it does not run on this machine')
      }
      putInPlace(partial, installationFolder(env))
      progress.end('installed')
      return cachedPath(env)
    } catch (error) {
      failures.push(error.message)
    }
  }
  progress.end('failed')
  rmSync(partial, { recursive: true, force: true })
  throw new SetupError(
    `There is no nats-server of ${minimum.join('.')} or later on this machine.\n${failures.join('\n')}`,
    remedy(),
  )
}

async function fromRelease(partial, { progress }) {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch]
  const name = `nats-server-v${version}-${process.platform}-${architecture}`
  const archive = join(partial, `${name}.tar.gz`)
  progress.step('downloading')
  // The sums come from the same place as the archive: they show a broken download, not a forged one.
  const sums = await downloadText(`${release}/SHA256SUMS`)
  const digest = await download(`${release}/${name}.tar.gz`, archive, (received, total) =>
    progress.update(`downloading ${formatBytes(received, total)}`),
  )
  if (!sums.includes(`${digest}  ${name}.tar.gz`)) {
    throw new Error(`${name}.tar.gz has SHA-256 ${digest}, which is not in SHA256SUMS`)
  }
  await runCaptured('tar', ['-xzf', archive, '-C', join(partial, 'bin'), '--strip-components=1'])
  rmSync(archive)
}

async function fromGo(partial, { env, progress, addOwner }) {
  if (onPath('go', env).length === 0) throw new Error('there is no Go to build it with')
  progress.step('building with Go, about a minute')
  const goEnv = { ...env, GOBIN: join(partial, 'bin') }
  await runCaptured('go', ['install', goPackage], { env: goEnv, onStart: addOwner })
}

function remedy() {
  const way = process.platform === 'darwin' ? 'run `brew install nats-server`' : 'install Go'
  return `${way}, or set NATS_SERVER_BIN to a nats-server.`
}
