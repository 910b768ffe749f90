import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCaptured } from './command.mjs'
import { download, downloadText, formatBytes } from './download.mjs'
import {
  findNatsServer,
  installationFolder,
  installedPath,
  noNatsServer,
  version,
} from './find-nats-server.mjs'
import { withLock } from './lock.mjs'
import { projectPrograms } from './places.mjs'
import { link, onPath, putInPlace, versionLine } from './program.mjs'
import { startProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

const release = `https://github.com/nats-io/nats-server/releases/download/v${version}`
const goPackage = `github.com/nats-io/nats-server/v2@v${version}`

/** Path of a nats-server that is recent enough; installs one where there is none. */
export async function ensureNatsServer(env, note) {
  const path = findNatsServer(env, note) ?? (await installOnce(env, note))
  if (path === installedPath(env)) link(path, join(projectPrograms, 'nats-server'))
  return path
}

function installOnce(env, note) {
  return withLock(
    `${installationFolder(env)}.lock`,
    async (addOwner) => findNatsServer(env) ?? (await install(env, addOwner)),
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
      return installedPath(env)
    } catch (error) {
      failures.push(error.message)
    }
  }
  progress.end('failed')
  rmSync(partial, { recursive: true, force: true })
  throw new SetupError(`${noNatsServer}\n${failures.join('\n')}`, remedy())
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
