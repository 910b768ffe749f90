import { docker } from '@corroport/docker/src/docker.ts'
import { handInAgent } from '@corroport/docker/src/hand-in-agent.ts'
import { root } from '@corroport/docker/src/project.ts'
import { findAgent } from '../../setup/find-agent.mjs'

/** The images that the manifests name, of this working tree and with the agent of this machine. */
export async function buildImages(environment: NodeJS.ProcessEnv): Promise<void> {
  const agent = handInAgent(findAgent(environment, 'real').path)
  const build = async (name: string, ...args: string[]): Promise<void> => {
    const tag = `corroport/${name}:0.1.0`
    // Packages are fetched while it builds, for which not every engine's own network is enough.
    await docker(
      ['build', '--quiet', '--network', 'host', '--tag', tag, ...args, root],
      environment,
    )
  }
  await build('services', '--file', `${root}/infra/docker/services/Dockerfile`)
  await build(
    'agent',
    '--file',
    `${root}/infra/docker/agent/Dockerfile`,
    '--target',
    'binary',
    '--build-arg',
    `AGENT_BIN=${agent}`,
  )
}
