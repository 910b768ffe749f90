import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { postgresRoles, readSecret, rotateSecret } from './secrets.ts'

export const rotationNames = 'nats, postgres, agent, metrics, edge, builds or admin'

/** Rotates, and gives what is to be done next, one step a line. */
export function rotate(dir: string, what: string, which: string | undefined): string[] {
  switch (what) {
    case 'nats':
      return rotateNats(dir, which)
    case 'postgres':
      return rotatePostgres(dir, which)
    case 'agent':
      return rotateAgent(dir, which)
    case 'metrics':
      rotateSecret(dir, 'metrics.token')
      return [
        'share metrics.token again with all',
        'restart every service, one node after another',
        'restart prometheus',
      ]
    case 'edge':
      rotateSecret(dir, 'edge.token')
      return [
        'share again with edge and every edge-proxy',
        'restart every edge-proxy, one point of presence after another',
        'restart who registers backends with the new token, before its leases are over',
      ]
    case 'builds':
      return rotateBuilds(dir, which)
    case 'admin': {
      const [, id = ''] = readSecret(dir, 'admin.token').split('_')
      rotateSecret(dir, 'admin.token')
      return [
        'share again with migrate and operator',
        'run migrate, which makes the new token known',
        `corroport token revoke ${id}, as NATS user migrate: until then the old one counts too`,
      ]
    }
    default:
      throw new Error(`${what} is no kind of secret: it is ${rotationNames}`)
  }
}

function rotateNats(dir: string, which: string | undefined): string[] {
  const users = readdirSync(join(dir, 'nats'))
    .filter((name) => name.endsWith('.password'))
    .map((name) => name.slice(0, -'.password'.length))
    .toSorted()
  const chosen = which === 'all' ? users : users.filter((user) => user === which)
  if (chosen.length === 0) {
    throw new Error(`name a user of NATS or all, one of: ${users.join(', ')}`)
  }
  for (const user of chosen) rotateSecret(dir, `nats/${user}.password`)
  const connected = chosen.filter((user) => !['system', 'route', 'migrate'].includes(user))
  return [
    'run deploy nats-config with the arguments of before',
    `share again with nats${connected.map((user) => `, ${user}`).join('')}`,
    'send nats-server SIGHUP, which reads its file again; records wait in the services meanwhile',
    ...(chosen.includes('route') ? ['restart the servers of NATS one after another'] : []),
    ...(connected.length > 0 ? [`restart ${connected.join(', ')}`] : []),
  ]
}

const usersOf: Readonly<Record<string, string>> = {
  analytics: 'analytics',
  builds: 'every build-controller',
}

function rotatePostgres(dir: string, which: string | undefined): string[] {
  if (which === undefined || !Object.hasOwn(postgresRoles, which)) {
    throw new Error(`name a role of Postgres: ${Object.keys(postgresRoles).join(', ')}`)
  }
  rotateSecret(dir, `postgres/${which}.password`)
  const steps = ['share again with migrate', 'run migrate, which sets the password']
  if (which === 'owner') return ['share again with postgres', ...steps]
  const users = usersOf[which] ?? 'every gateway'
  return [...steps, `share again with ${users}`, `restart ${users}`]
}

function rotateBuilds(dir: string, which: string | undefined): string[] {
  const shared = [
    'share again with build-controller and operator',
    'restart every build-controller',
  ]
  if (which === 'controller') {
    rotateSecret(dir, 'builds/controller.key')
    return [...shared, 'give the new key to who submits with it']
  }
  if (which !== 'enrolment') throw new Error('name what of builds: controller or enrolment')
  rotateSecret(dir, 'builds/enrolment.token')
  return [...shared, 'give the new token to new workers; those that are registered need none']
}

function rotateAgent(dir: string, which: string | undefined): string[] {
  if (which === undefined) throw new Error('name a node')
  rotateSecret(dir, `agent/${which}.token`)
  return [
    `run deploy agent-config --node ${which} with the arguments of before`,
    `share again with agent-${which}, subscriber-${which}, config-manager-${which}, gateway-${which} and edge-proxy-${which}`,
    `restart config-manager of ${which}, which then knows the token`,
    `corroport config restore ${which}, which brings the file to the agent and restarts it; changes of that file are undone`,
    `restart subscriber, gateway and edge-proxy of ${which}`,
  ]
}
