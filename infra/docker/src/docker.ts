import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
// Logs of a whole project.
const mostBytes = 64 * 1024 * 1024

/** Runs the docker command and gives what it printed. Throws with what it complained about. */
export async function docker(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await run('docker', [...args], { env, maxBuffer: mostBytes })
    return stdout
  } catch (error) {
    throw new Error(`docker ${args.join(' ')} failed: ${saidBy(error)}`, { cause: error })
  }
}

/** What a program run by `docker run` complains about may stand in what it printed. */
function saidBy(error: unknown): string {
  if (!Error.isError(error) || !('stderr' in error && 'stdout' in error)) return String(error)
  return `${String(error.stderr)}${String(error.stdout)}`.trim()
}
