import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCaptured } from './command.mjs'
import { download, formatBytes } from './download.mjs'
import { findAgent, howToGetRealAgents } from './find-agent.mjs'
import { withLock } from './lock.mjs'
import { cacheFolder, projectPrograms } from './places.mjs'
import { isProgram, link, onPath, putInPlace, versionLine } from './program.mjs'
import { startProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

const releaseVersion = '1.0.0'
const release = `https://github.com/superfly/corrosion/releases/download/v${releaseVersion}`
const releaseTargets = {
  'linux-x64': 'x86_64-unknown-linux-gnu',
  'linux-arm64': 'aarch64-unknown-linux-gnu',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
}
const ownPath = join(projectPrograms, 'corrosion')
// The fork on the Rust package registry; its binary is called `corrosion` too.
const crate = { name: 'klukai', version: '0.1.4' }

/** Path of a real Corrosion agent; installs one where there is none. */
export async function ensureCorrosion(env, note) {
  const path = findCorrosion(env) ?? (await installOnce(env, note))
  if (cachedPaths(env).includes(path)) link(path, ownPath)
  return path
}

function findCorrosion(env) {
  const { kind, path } = findAgent(env)
  return kind === 'real' ? path : cachedPaths(env).find(isProgram)
}

function cachedPaths(env) {
  return [crateFolder(env), releaseFolder(env)].map(binaryIn)
}

function binaryIn(folder) {
  return join(folder, 'bin/corrosion')
}

function crateFolder(env) {
  return join(cacheFolder(env), `${crate.name}-${crate.version}`)
}

function releaseFolder(env) {
  return join(cacheFolder(env), `corrosion-${releaseVersion}`)
}

function installOnce(env, note) {
  return withLock(
    join(cacheFolder(env), 'corrosion.lock'),
    async (addOwner) => findCorrosion(env) ?? (await install(env, addOwner)),
    (pid) => note(`process ${pid} brings in the Corrosion agent; waiting`),
  )
}

async function install(env, addOwner) {
  const progress = startProgress('Corrosion agent')
  const failures = []
  for (const bringIn of [fromRelease, fromCargo]) {
    try {
      const path = await bringIn(env, progress, addOwner)
      progress.end(`installed ${versionLine(path)}`)
      return path
    } catch (error) {
      failures.push(error)
    }
  }
  progress.end('failed')
  const remedy = failures.find((error) => error instanceof SetupError)?.remedy
  throw new SetupError(
    `There is no Corrosion agent on this machine.\n${failures.map((error) => error.message).join('\n')}`,
    remedy ?? `run \`${howToGetRealAgents}\` again, or set CORROSION_BIN to an agent.`,
  )
}

async function fromRelease(env, progress) {
  const target = releaseTargets[`${process.platform}-${process.arch}`]
  if (target === undefined) throw new Error(`no release for ${process.platform}-${process.arch}`)
  const url = `${release}/corrosion-${target}.tar.gz`
  const folder = releaseFolder(env)
  const partial = `${folder}.partial`
  const bin = join(partial, 'bin')
  const archive = join(partial, 'corrosion.tar.gz')
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(bin, { recursive: true })
  try {
    progress.step(`downloading release ${releaseVersion}`)
    const digest = await download(url, archive, (received, total) =>
      progress.update(`downloading release ${releaseVersion}, ${formatBytes(received, total)}`),
    )
    await runCaptured('tar', ['-xzf', archive, '-C', bin])
    if (versionLine(binaryIn(partial)) === undefined) {
      throw new Error(`release ${releaseVersion} does not run on this machine`)
    }
    // Nothing to compare it with: the release comes without checksums. So it is shown and kept.
    progress.step(`SHA-256 ${digest}`)
    writeFileSync(join(partial, 'SHA256'), `${digest}  ${url}\n`)
    rmSync(archive)
    putInPlace(partial, folder)
    return binaryIn(folder)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

async function fromCargo(env, progress, addOwner) {
  requireTools(env)
  const folder = crateFolder(env)
  const partial = `${folder}.partial`
  // Kept when the compilation is interrupted, so that the next one goes on from there.
  const targetFolder = join(cacheFolder(env), 'cargo-target')
  rmSync(partial, { recursive: true, force: true })
  progress.step(`compiling ${crate.name} ${crate.version}, about 8 minutes on 2 cores`)
  const args = ['install', crate.name, '--version', crate.version, '--locked', '--root', partial]
  await runCaptured('cargo', args, {
    env: {
      ...env,
      // The crate uses tokio's runtime metrics, which tokio calls unstable.
      RUSTFLAGS: '--cfg tokio_unstable',
      CARGO_TARGET_DIR: targetFolder,
      CARGO_TERM_COLOR: 'never',
      CARGO_TERM_PROGRESS_WHEN: 'always',
      CARGO_TERM_PROGRESS_WIDTH: '100',
    },
    onStart: addOwner,
    onLine(line) {
      const figures = cratesOf(line)
      if (figures) progress.update(`compiling ${figures.done} of ${figures.total} crates`)
    },
  })
  putInPlace(partial, folder)
  rmSync(targetFolder, { recursive: true, force: true })
  return binaryIn(folder)
}

/** Reads cargo's progress bar: "Building [====>      ] 312/482: serde, tokio". */
export function cratesOf(line) {
  const match = /Building \[[^\]]*\] +(\d+)\/(\d+)/.exec(line)
  return match ? { done: Number(match[1]), total: Number(match[2]) } : undefined
}

function requireTools(env) {
  if (onPath('cargo', env).length === 0) {
    throw new SetupError(
      'There is no Rust toolchain to compile one with.',
      'install Rust (https://rustup.rs), or set CORROSION_BIN to an agent.',
    )
  }
  // Some crates compile C; `make` builds the allocator.
  const missing = ['cc', 'make'].filter((name) => onPath(name, env).length === 0)
  if (missing.length > 0) {
    const way =
      process.platform === 'darwin' ? 'xcode-select --install' : 'apt-get install build-essential'
    throw new SetupError(
      `The compilation of one needs ${missing.join(' and ')}.`,
      `run \`${way}\` (or what your system has for it).`,
    )
  }
}
