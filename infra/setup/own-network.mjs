import { spawnSync } from 'node:child_process'
import { SetupError } from './setup-error.mjs'

/**
 * Before a program and its arguments: it gets a network of its own, where routing may be bent.
 * @type {[string, ...string[]]}
 */
export const unshareNetwork = ['unshare', process.getuid?.() === 0 ? '-n' : '-rn', '--']

/**
 * Before a program and its arguments: what it mounts is seen by nobody else and goes with it.
 * @type {[string, ...string[]]}
 */
export const unshareMounts = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', '--']

export function requireOwnNetworks() {
  const [program, ...args] = [...unshareNetwork, 'ip', 'link', 'set', 'lo', 'up']
  if (process.platform === 'linux' && spawnSync(program, args).status === 0) return
  throw new SetupError(
    'There are no network namespaces for processes of this user.',
    'use Linux with `unshare` (util-linux) and `ip` (iproute2), and a user who may use them.',
  )
}
