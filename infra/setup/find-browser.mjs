import { namedProgram, onPath } from './program.mjs'
import { SetupError } from './setup-error.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/**
 * The browser of tests and benchmarks: CHROMIUM_BIN, else one on PATH.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function requireBrowser(env) {
  const path = namedProgram('CHROMIUM_BIN', env) ?? names.flatMap((name) => onPath(name, env))[0]
  if (path !== undefined) return path
  throw new SetupError(
    'There is no Chromium on this machine.',
    'install it (apt-get install chromium), or set CHROMIUM_BIN.',
  )
}
