import { join } from 'node:path'
import { projectPrograms, root } from './places.mjs'
import { isProgram, namedProgram, onPath, versionLine } from './program.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * @typedef {'development' | 'real'} AgentKind
 * @typedef {{ kind: AgentKind, path: string, version: string | undefined }} AgentProgram
 */

/** Answers like Corrosion on one machine; it is part of the repository. @type {AgentProgram} */
export const developmentAgent = {
  kind: 'development',
  path: join(root, 'corrosion/agent/bin/corrosion'),
  version: undefined,
}

export const howToGetRealAgents = 'npm run corrosion:install'

/**
 * The agent to run: CORROSION_BIN, else `.corroport/bin`, else PATH, else the development agent.
 * A kind that is wanted and not there is an error.
 * @param {NodeJS.ProcessEnv} env
 * @param {AgentKind} [wanted]
 * @returns {AgentProgram}
 */
export function findAgent(env, wanted) {
  if (wanted === 'development') return developmentAgent
  const named = namedProgram('CORROSION_BIN', env)
  const path =
    named ?? [join(projectPrograms, 'corrosion'), ...onPath('corrosion', env)].find(isProgram)
  const found = path === undefined ? developmentAgent : identifyAgent(path)
  if (wanted !== 'real' || found.kind === 'real') return found
  throw new SetupError(
    path === undefined
      ? 'There is no real Corrosion agent on this machine.'
      : `${named ? 'CORROSION_BIN is' : 'The first corrosion is'} ${path}, a development agent and not a real one.`,
    named
      ? 'unset CORROSION_BIN, or set it to a real agent.'
      : `run \`${howToGetRealAgents}\`, or set CORROSION_BIN to one.`,
  )
}

/**
 * What an agent's program is, by what it says.
 * @param {string} path
 * @returns {AgentProgram}
 */
export function identifyAgent(path) {
  if (path === developmentAgent.path) return developmentAgent
  const version = versionLine(path)
  if (version === undefined) {
    throw new SetupError(
      `${path} does not run: \`corrosion --version\` fails.`,
      `set CORROSION_BIN to an agent that does, or run \`${howToGetRealAgents}\`.`,
    )
  }
  return { kind: version.includes('development agent') ? 'development' : 'real', path, version }
}
