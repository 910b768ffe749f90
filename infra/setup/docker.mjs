import { spawnSync } from 'node:child_process'
import { SetupError } from './setup-error.mjs'

/** An engine that answers, and the compose plugin. */
export function requireDocker() {
  const asks = [['info'], ['compose', 'version']]
  if (asks.every((args) => spawnSync('docker', args, { timeout: 20_000 }).status === 0)) return
  throw new SetupError(
    'No Docker Engine with Compose answers to this user.',
    'install Docker with its compose plugin (2.24 or later), and let this user ask it: `docker info`.',
  )
}
