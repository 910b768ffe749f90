import { freePort } from '@corroport/testing'
import { DockerComposeEnvironment } from 'testcontainers'
import { findAgent } from '../../setup/find-agent.mjs'
import { type Api, createApi } from '../src/api.ts'
import { handInAgent } from '../src/hand-in-agent.ts'
import { createProject, type Project, removeLeftovers, root } from '../src/project.ts'

export interface ComposeCluster extends AsyncDisposable {
  readonly project: Project
  readonly agentServices: readonly string[]
  /** Of each node, with the token of the first admin. */
  readonly apis: readonly [Api, Api, Api]
  /** Of the points of presence, for clients. */
  readonly edgeUrls: readonly string[]
  readonly buildsUrl: string
}

const prefix = 'corroport-test-'

/** The whole compose file, with real agents where there are any, on ports that are free. */
export async function startCompose(): Promise<ComposeCluster> {
  await removeLeftovers(prefix, process.env)
  const name = `${prefix}${process.pid}`
  const agent = findAgent(process.env)
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const edgePorts = [await freePort(), await freePort(), await freePort()] as const
  const buildsPort = await freePort()
  const environment = {
    IMAGE_TAG: 'test',
    COMPOSE_PROFILES:
      agent.kind === 'real' ? 'agents,edge,builds' : 'dev-agents,dev-edge,dev-builds',
    AGENT_BIN: agent.kind === 'real' ? handInAgent(agent.path) : '',
    NODE1_PORT: String(ports[0]),
    NODE2_PORT: String(ports[1]),
    NODE3_PORT: String(ports[2]),
    BUILDS_PORT: String(buildsPort),
    EDGE1_PORT: String(edgePorts[0]),
    EDGE2_PORT: String(edgePorts[1]),
    EDGE3_PORT: String(edgePorts[2]),
  }
  // There is no registry to get its reaper from; the prefix above is what finds leftovers.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
  process.env.TESTCONTAINERS_HOST_OVERRIDE = '127.0.0.1'
  const started = await new DockerComposeEnvironment(root, 'docker-compose.yml')
    .withProjectName(name)
    .withEnvironment(environment)
    .withEnvironmentFile('/dev/null')
    .withBuild()
    .withClientOptions({ commandOptions: ['--wait'] })
    .up()
  const project = createProject(name, { ...process.env, ...environment })
  const token = (await project.compose('run', '--rm', 'admin-token')).trim()
  const [port1, port2, port3] = ports
  const apiAt = (port: number): Api => createApi(`http://localhost:${port}`, token)
  return {
    project,
    agentServices: [1, 2, 3].map((node) =>
      agent.kind === 'real' ? `agent${node}` : `development-agent${node}`,
    ),
    apis: [apiAt(port1), apiAt(port2), apiAt(port3)],
    edgeUrls: edgePorts.map((port) => `http://127.0.0.1:${port}`),
    buildsUrl: `http://127.0.0.1:${buildsPort}`,
    async [Symbol.asyncDispose]() {
      await started.down({ removeVolumes: true, timeout: 30_000 })
    },
  }
}
