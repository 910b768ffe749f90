import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { docker } from './docker.ts'

/** One run of the compose file, under a name of its own. */
export interface Project {
  readonly name: string
  /** In docker's own words: `compose('up', '--wait')`. */
  compose(...args: string[]): Promise<string>
  docker(...args: string[]): Promise<string>
  /** The name of the only container of a service. */
  container: (service: string) => string
  services(): Promise<string[]>
  /** Resolves when all of these are healthy, with how long that took. */
  healthy(services: readonly string[], withinMs?: number): Promise<number>
}

export const root = join(import.meta.dirname, '../../..')
// Neither settings nor further nodes of whoever works in this folder.
const files = ['--file', join(root, 'docker-compose.yml'), '--env-file', '/dev/null']

export function createProject(name: string, environment: NodeJS.ProcessEnv): Project {
  const ask = (...args: string[]): Promise<string> => docker(args, environment)
  const compose = (...args: string[]): Promise<string> =>
    ask('compose', ...files, '--project-name', name, ...args)
  const container = (service: string): string => `${name}-${service}-1`
  return {
    name,
    compose,
    docker: ask,
    container,
    services: async () => linesOf(await compose('config', '--services')).toSorted(),
    async healthy(services, withinMs = 120_000) {
      const startedAt = performance.now()
      const format = '{{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
      for (;;) {
        const states = linesOf(await ask('inspect', '--format', format, ...services.map(container)))
        const others = states.filter((state) => !state.endsWith(' healthy'))
        const passedMs = performance.now() - startedAt
        if (others.length === 0) return passedMs
        if (passedMs > withinMs) throw new Error(`not healthy: ${others.join(', ')}`)
        await wait(100)
      }
    },
  }
}

const label = 'com.docker.compose.project'

/** Removes what killed runs have left: projects called so, with the id of a process behind that is gone. */
export async function removeLeftovers(
  prefix: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const list = async (...args: string[]) => linesOf(await docker(args, environment))
  const remove = async (kind: string, ids: readonly string[], ...options: string[]) => {
    if (ids.length > 0) await docker([kind, 'rm', ...options, ...ids], environment)
  }
  const projects = ['--filter', `label=${label}`, '--format', `{{.Label "${label}"}}`]
  const names = await Promise.all([
    list('container', 'ls', '--all', ...projects),
    list('volume', 'ls', ...projects),
    list('network', 'ls', ...projects),
  ])
  for (const name of new Set(names.flat())) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN
    if (!Number.isInteger(pid) || isAlive(pid)) continue
    const ofIt = ['--quiet', '--filter', `label=${label}=${name}`]
    await remove('container', await list('container', 'ls', '--all', ...ofIt), '--force')
    await remove('network', await list('network', 'ls', ...ofIt))
    await remove('volume', await list('volume', 'ls', ...ofIt))
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return Error.isError(error) && 'code' in error && error.code === 'EPERM'
  }
}
