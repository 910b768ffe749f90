import { join } from 'node:path'
import { runInPlace } from './command.mjs'
import { root } from './places.mjs'

const checks = ['format', 'lint', 'types', 'docs']

/** Runs all of them, also after a failure; what has not changed since it passed is not run again. */
export function runChecks(env) {
  const args = ['run', ...checks, '--continue=always', '--output-logs=errors-only', '--ui=stream']
  return runInPlace(bin('turbo'), args, {
    cwd: root,
    env: { ...env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  })
}

/** Mends what a tool can mend. */
export async function runFixes(node, env) {
  const fixes = [
    [bin('oxlint'), ['--type-aware', '--fix']],
    [node, ['infra/docs/src/main.ts']],
    [bin('biome'), ['check', '--write']],
  ]
  let exitCode = 0
  for (const [command, args] of fixes) {
    exitCode = (await runInPlace(command, args, { cwd: root, env })) || exitCode
  }
  return exitCode
}

function bin(name) {
  return join(root, 'node_modules/.bin', name)
}
