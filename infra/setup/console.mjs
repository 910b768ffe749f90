import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCaptured } from './command.mjs'
import { withLock } from './lock.mjs'
import { root } from './places.mjs'
import { startProgress } from './progress.mjs'
import { findProjectNode } from './project-node.mjs'
import { SetupError } from './setup-error.mjs'

const stamp = join(root, 'web/dist/.sources')
const sources = [
  'package-lock.json',
  'packages/contracts/src',
  'web/index.html',
  'web/public',
  'web/src',
  'web/vite.config.ts',
]

/** Builds the console, unless what was built last came of the same sources. */
export async function ensureConsole(env) {
  if (isBuilt()) return
  await withLock(
    join(root, '.corroport/console.lock'),
    async (addOwner) => {
      if (!isBuilt()) await build(env, addOwner)
    },
    (pid) => process.stderr.write(`console: process ${pid} builds it; waiting\n`),
  )
}

function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digestOfSources()
}

async function build(env, addOwner) {
  const progress = startProgress('console')
  progress.step('vite build')
  const digest = digestOfSources()
  const args = [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn']
  try {
    await runCaptured(findProjectNode(), args, {
      cwd: join(root, 'web'),
      // Of tests it is another, and the build would be the larger one for developers, with paths in it.
      env: { ...env, NODE_ENV: 'production' },
      onStart: addOwner,
    })
  } catch (error) {
    progress.end('failed')
    throw new SetupError('The console could not be built.', 'mend what vite says about it.', {
      cause: error,
    })
  }
  writeFileSync(stamp, digest)
  progress.end('built')
}

function digestOfSources() {
  const hash = createHash('sha256')
  const paths = sources.flatMap(filesOf)
  // The order of a folder's entries is the file system's own.
  paths.sort((a, b) => (a < b ? -1 : 1))
  for (const path of paths) {
    hash.update(`${path}\0`)
    hash.update(readFileSync(join(root, path)))
  }
  return hash.digest('hex')
}

function filesOf(path) {
  if (statSync(join(root, path)).isFile()) return [path]
  return readdirSync(join(root, path)).flatMap((name) => filesOf(`${path}/${name}`))
}
