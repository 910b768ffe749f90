import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NodeId } from '@corroport/contracts'
import { readEnvironment, secret } from '@corroport/service'
import { Command, InvalidArgumentError, Option } from 'commander'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { agentConfig } from './agent-config.ts'
import { composeNodes, mostComposeNodes } from './compose-nodes.ts'
import { putFirstToken } from './first-token.ts'
import { kubernetesSecrets } from './kubernetes-secrets.ts'
import { natsConfig } from './nats-config.ts'
import { parseNodes } from './node-names.ts'
import { applyPostgresRoles } from './postgres-roles.ts'
import { rotate, rotationNames } from './rotate.ts'
import { initSecrets, readPrevious, readSecret, removeDrafts, secretRights } from './secrets.ts'
import { shareNames, shareSecrets } from './share.ts'
import { type Owner, writeWhole } from './write-file.ts'

export interface Surroundings {
  environment: NodeJS.ProcessEnv
  /** A line of the answer. */
  print: (line: string) => void
}

const NatsEnvironment = Type.Object({
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(Type.String({ description: 'migrate, where NATS has users' })),
  NATS_PASSWORD: Type.Optional(secret(Type.String(), { description: 'of NATS_USER' })),
})

/** What a deployment needs before its services start. Secrets are never printed, but by kubernetes-secrets. */
export function createProgram({ environment, print }: Surroundings): Command {
  const program = new Command('deploy')
    .description('Makes the secrets of a deployment and hands each container its own.')
    .showHelpAfterError()
  const dirOption = () =>
    new Option('--dir <folder>', 'where the secrets of the cluster lie').makeOptionMandatory()
  const nodesOption = () =>
    new Option('--nodes <names>', 'how many, node1,node2,… or node-0..node-8')
      .argParser(parseNodes)
      .makeOptionMandatory()
  const printAll = (lines: readonly string[]): void => {
    for (const line of lines) print(line)
  }

  program
    .command('init')
    .description('Makes the secrets that are missing, and prints their names.')
    .addOption(dirOption())
    .addOption(nodesOption())
    .option('--postgres <place>', 'host:port/name of the database', 'postgres:5432/corroport')
    .action(({ dir, nodes, postgres }: { dir: string; nodes: string[]; postgres: string }) => {
      printAll(initSecrets(dir, { nodeIds: nodes, postgres }))
      removeDrafts(dir)
    })

  program
    .command('nats-config')
    .description('Writes the configuration of nats-server, with its users and their rights.')
    .addOption(dirOption())
    .addOption(nodesOption())
    .option('--server-name <name>', 'of this server; $NAME takes it from its environment', 'nats')
    .option('--store-dir <folder>', 'where JetStream stores', '/data')
    .addOption(listOption('--routes <places>', 'host:port,… of the servers of a cluster'))
    .option('--redriving', 'gateways may say every record again, to redrive dead letters', false)
    .action((options: NatsConfigArguments) => {
      const { dir, nodes, redriving: isRedriving, ...settings } = options
      const path = join(dir, 'nats/nats.conf')
      const passwordOf = (user: string): string => readSecret(dir, `nats/${user}.password`)
      const text = natsConfig({ ...settings, nodeIds: nodes, passwordOf, isRedriving })
      writeWhole(path, text, secretRights)
      print(path)
    })

  program
    .command('agent-config')
    .description("Writes the canonical configuration of a node's agent.")
    .addOption(dirOption())
    .requiredOption('--node <name>', 'whose agent it is', parseNode)
    .addOption(listOption('--bootstrap <places>', 'host:port,… of the gossip of other agents'))
    .option('--api <address>', 'where its API listens', '0.0.0.0:8080')
    .option('--prometheus <address>', 'where its metrics listen', '0.0.0.0:9090')
    .action(({ dir, node, ...settings }: AgentConfigArguments) => {
      const path = join(dir, `agent/${node}.toml`)
      const token = readSecret(dir, `agent/${node}.token`)
      writeWhole(path, agentConfig({ ...settings, nodeId: node, token }), secretRights)
      print(path)
    })

  program
    .command('share')
    .description('Brings the folder of a container to what it may see, and to nothing else.')
    .addOption(dirOption())
    .requiredOption('--to <folder>', "the container's folder")
    .requiredOption('--as <who>', shareNames)
    .option('--owner <uid:gid>', 'whose files they are to be', parseOwner)
    .action(({ as: who, ...options }: { dir: string; to: string; as: string; owner?: Owner }) => {
      printAll(shareSecrets({ ...options, who }))
    })

  program
    .command('rotate')
    .description('Gives a secret a new value, and says what has to be done for it to count.')
    .argument('<what>', rotationNames)
    .argument(
      '[which]',
      'a user of NATS or all, a role of Postgres, a node, controller or enrolment',
    )
    .addOption(dirOption())
    .action((what: string, which: string | undefined, { dir }: { dir: string }) => {
      printAll(rotate(dir, what, which))
    })

  program
    .command('postgres-roles')
    .description('Makes the roles of analytics, builds and status, and sets the passwords of all.')
    .requiredOption('--secrets <folder>', 'with owner.url, database.url, builds.url and status.url')
    .action(async ({ secrets }: { secrets: string }) => {
      const roles = await applyPostgresRoles({
        owner: readSecret(secrets, 'owner.url'),
        previousOwner: readPrevious(secrets, 'owner.url'),
        analytics: readSecret(secrets, 'database.url'),
        builds: readSecret(secrets, 'builds.url'),
        status: readSecret(secrets, 'status.url'),
      })
      printAll(roles)
    })

  program
    .command('first-token')
    .description('Makes the cluster know its first access token, unless it does.')
    .requiredOption('--token-file <file>', 'as init made it: admin.token')
    .addHelpText(
      'after',
      '\nNATS_URL, NATS_USER and NATS_PASSWORD (or NATS_PASSWORD_FILE) say where NATS is.',
    )
    .action(async ({ tokenFile }: { tokenFile: string }) => {
      const nats = readEnvironment(NatsEnvironment, environment)
      const access = { url: nats.NATS_URL, user: nats.NATS_USER, password: nats.NATS_PASSWORD }
      const isNew = await putFirstToken(access, readSecret('', tokenFile))
      print(isNew ? 'the first token is known now' : 'the first token was known before')
    })

  program
    .command('kubernetes-secrets')
    .description('Prints Secrets, with their values, for kubectl apply -f -.')
    .addOption(dirOption())
    .addOption(nodesOption())
    .option('--namespace <name>', 'where they belong', 'corroport')
    .action(({ dir, nodes, namespace }: { dir: string; nodes: string[]; namespace: string }) => {
      print(kubernetesSecrets({ dir, nodeIds: nodes, namespace }).trimEnd())
    })

  program
    .command('compose-nodes')
    .description('Prints an override of docker-compose.yml for another number of nodes than three.')
    .argument('<count>', `how many nodes, 1 to ${mostComposeNodes}`, parseCount)
    .action((count: number) => {
      const file = join(import.meta.dirname, '../../../docker-compose.yml')
      print(composeNodes(readFileSync(file, 'utf8'), count).trimEnd())
    })

  return program
}

interface NatsConfigArguments {
  dir: string
  nodes: string[]
  serverName: string
  storeDir: string
  routes: string[]
  redriving: boolean
}

interface AgentConfigArguments {
  dir: string
  node: string
  bootstrap: string[]
  api: string
  prometheus: string
}

function listOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((text) => text.split(',').filter((each) => each !== ''))
    .default([], 'none')
}

function parseOwner(text: string): Owner {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? []
  if (uid === undefined || gid === undefined) throw new InvalidArgumentError('Give uid:gid.')
  return { uid: Number(uid), gid: Number(gid) }
}

function parseNode(text: string): string {
  if (!Value.Check(NodeId, text)) throw new InvalidArgumentError('Give the name of one node.')
  return text
}

function parseCount(text: string): number {
  const count = /^[1-9]\d*$/.test(text) ? Number(text) : 0
  if (count === 0 || count > mostComposeNodes) {
    throw new InvalidArgumentError(`Give a number from 1 to ${mostComposeNodes}.`)
  }
  return count
}
