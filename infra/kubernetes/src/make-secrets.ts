import { join } from 'node:path'
import { createProgram } from '@corroport/deploy/src/program.ts'
import { readKustomization } from './manifests.ts'

const base = join(import.meta.dirname, '../base')

export interface SecretsOptions {
  /** Where they lie; what is there is kept. */
  dir: string
  namespace: string
  /** `host:port/name`. */
  postgres: string
  natsServers: number
}

/** Makes the secrets that are missing for the nodes of the base, and gives them as manifests. */
export async function makeSecrets(options: SecretsOptions): Promise<string> {
  const { dir, namespace, postgres, natsServers } = options
  const nodes = nodesOfBase()
  const deploy = async (...args: string[]): Promise<string> => {
    const lines: string[] = []
    const program = createProgram({ environment: {}, print: (line) => void lines.push(line) })
    await program.parseAsync([...args, '--dir', dir], { from: 'user' })
    return lines.join('\n')
  }
  const ofNodes = ['--nodes', nodes.join(',')]
  await deploy('init', ...ofNodes, '--postgres', postgres)
  // nats-server takes the name of its pod from its environment.
  const routes = Array.from(
    { length: natsServers },
    (_, index) => `nats-${index}.nats-servers.${namespace}.svc.cluster.local:6222`,
  )
  const cluster = natsServers === 1 ? [] : ['--routes', routes.join(',')]
  await deploy('nats-config', ...ofNodes, '--server-name', '$POD_NAME', ...cluster)
  for (const node of nodes) {
    const agent = ['--api', '127.0.0.1:8080', '--prometheus', '127.0.0.1:9090']
    const seeds = ['--bootstrap', `node.${namespace}.svc.cluster.local:8787`]
    await deploy('agent-config', '--node', node, ...agent, ...seeds)
  }
  return await deploy('kubernetes-secrets', ...ofNodes, '--namespace', namespace)
}

/** Whom NATS knows: there are users and durables for as many nodes as there may be. */
function nodesOfBase(): string[] {
  const { configMapGenerator = [] } = readKustomization(base)
  const setting = configMapGenerator
    .flatMap(({ literals }) => literals)
    .find((literal) => literal.startsWith('NODES='))
  if (setting === undefined) throw new Error('the settings of the base name no NODES')
  return setting.slice('NODES='.length).split(',')
}
