import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCaptured } from './command.mjs'
import { withLock } from './lock.mjs'
import { root } from './places.mjs'
import { startProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

const stamp = join(root, 'node_modules/.corroport-installed')

/** Installs the node modules unless they are what the lock file and the workspaces ask for. */
export async function ensureNodeModules(env) {
  if (isInstalled()) return
  await withLock(
    join(root, '.corroport/node-modules.lock'),
    async (addOwner) => {
      if (!isInstalled()) await install(env, addOwner)
    },
    (pid) => process.stderr.write(`node modules: process ${pid} installs them; waiting\n`),
  )
}

function isInstalled() {
  const wanted = digestOfWanted(root)
  const stamped = readIfThere(stamp)
  if (stamped === wanted) return true
  if (!isInstalledByHand(stamped !== undefined)) return false
  writeFileSync(stamp, wanted)
  return true
}

/** npm writes the hidden lock file last, so a newer one means that somebody's own install ended. */
function isInstalledByHand(isStamped) {
  const hidden = modifiedAt(join(root, 'node_modules/.package-lock.json'))
  if (hidden === undefined) return false
  const since = Math.max(
    modifiedAt(join(root, 'package-lock.json')) ?? 0,
    isStamped ? (modifiedAt(stamp) ?? 0) : 0,
  )
  return hidden >= since
}

async function install(env, addOwner) {
  const progress = startProgress('node modules')
  progress.step('npm ci')
  // The npm that runs this script, which need not be the one on PATH.
  const ownNpm = env.npm_execpath ?? ''
  const [command, ...first] = ownNpm.endsWith('npm-cli.js') ? [process.execPath, ownNpm] : ['npm']
  // Under NODE_ENV=production npm would leave out what tests and checks need.
  const args = [...first, 'ci', '--include=dev', '--include=optional', '--prefer-offline']
  try {
    await runCaptured(command, args, { cwd: root, env, onStart: addOwner })
  } catch (error) {
    progress.end('failed')
    throw new SetupError(
      'npm could not install the node modules.',
      'when the npm registry can be reached, run the same command again.',
      { cause: error },
    )
  }
  writeFileSync(stamp, digestOfWanted(root))
  progress.end('installed')
}

/** Of the lock file and of what the manifests ask for; a changed script is no reason to install. */
export function digestOfWanted(folder) {
  const hash = createHash('sha256')
  hash.update(readIfThere(join(folder, 'package-lock.json')) ?? '')
  for (const path of manifests(folder)) {
    const { name, bin, workspaces, ...manifest } = JSON.parse(
      readFileSync(join(folder, path), 'utf8'),
    )
    const { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides } =
      manifest
    const wanted = {
      dependencies,
      devDependencies,
      optionalDependencies,
      peerDependencies,
      overrides,
    }
    hash.update(JSON.stringify([path, name, bin, workspaces, wanted]))
  }
  return hash.digest('hex')
}

function manifests(folder) {
  const { workspaces } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const folders = workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -2)
    return readdirSync(join(folder, parent)).map((name) => `${parent}/${name}`)
  })
  const paths = ['package.json', ...folders.map((name) => `${name}/package.json`)]
  // The order of a folder's entries is the file system's own.
  paths.sort((a, b) => (a < b ? -1 : 1))
  return paths.filter((path) => existsSync(join(folder, path)))
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}
