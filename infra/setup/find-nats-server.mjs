import { join } from 'node:path'
import { cacheFolder, projectPrograms } from './places.mjs'
import {
  isAtLeast,
  isProgram,
  namedProgram,
  onPath,
  parseVersion,
  versionLine,
} from './program.mjs'
import { SetupError } from './setup-error.mjs'

/** The one that is brought in where there is none. */
export const version = '2.14.9'
// Consumers have several filter subjects since 2.10; an older server ignores the field silently.
const minimum = [2, 10]
const wanted = `nats-server of ${minimum.join('.')} or later`

export const noNatsServer = `There is no ${wanted} on this machine.`

/**
 * The nats-server to run: NATS_SERVER_BIN, else PATH, `.corroport/bin`, the cache.
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} [note] Hears which one is too old.
 * @returns {string | undefined}
 */
export function findNatsServer(env, note = () => {}) {
  const named = namedProgram('NATS_SERVER_BIN', env)
  if (named !== undefined) {
    if (isRecent(named)) return named
    throw new SetupError(
      `NATS_SERVER_BIN is ${named}, which is not a ${wanted}.`,
      'name a newer one, or unset NATS_SERVER_BIN.',
    )
  }
  for (const path of onPath('nats-server', env)) {
    if (isRecent(path)) return path
    note(`${path} is no ${wanted} and is not used`)
  }
  const brought = [join(projectPrograms, 'nats-server'), installedPath(env)]
  return brought.find((path) => isProgram(path) && isRecent(path))
}

/**
 * For those who bring none in.
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} [note]
 */
export function requireNatsServer(env, note) {
  const path = findNatsServer(env, note)
  if (path !== undefined) return path
  throw new SetupError(
    noNatsServer,
    'run `npm start`, which brings one in, or set NATS_SERVER_BIN.',
  )
}

function isRecent(path) {
  return isAtLeast(parseVersion(versionLine(path)) ?? [0, 0], minimum)
}

export function installationFolder(env) {
  return join(cacheFolder(env), `nats-server-${version}`)
}

/** Where it is brought in. */
export function installedPath(env) {
  return join(installationFolder(env), 'bin/nats-server')
}
