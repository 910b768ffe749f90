import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './layout.ts'

const name = 'nats-server'
const variable = 'NATS_SERVER_BIN'

/** The program that the variable names, else the one that `npm start` brought in, else one on PATH. */
export function findNatsServer(environment: NodeJS.ProcessEnv): string {
  const named = environment[variable]
  if (named) {
    if (isProgram(named)) return named
    throw new Error(`${variable} is ${named}, which is not a program that can be run`)
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  // The one on PATH may be too old, which is why another was brought in.
  const found = [join(root, '.corroport/bin'), ...folders]
    .map((folder) => join(folder, name))
    .find(isProgram)
  if (found) return found
  throw new Error(`no ${name} was found: \`npm start\` brings one in, or set ${variable}`)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // whatever the reason, it cannot be run
  }
}
