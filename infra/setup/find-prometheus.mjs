import { namedProgram, onPath } from './program.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Prometheus and its promtool, for the tests of rules and dashboards.
 * @param {NodeJS.ProcessEnv} env
 */
export function requirePrometheus(env) {
  for (const [name, variable] of [
    ['prometheus', 'PROMETHEUS_BIN'],
    ['promtool', 'PROMTOOL_BIN'],
  ]) {
    if (namedProgram(variable, env) ?? onPath(name, env)[0]) continue
    throw new SetupError(
      `There is no ${name} on this machine.`,
      `install it (apt-get install prometheus), or set ${variable}.`,
    )
  }
}
