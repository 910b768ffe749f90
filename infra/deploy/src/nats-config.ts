import { type NatsUser, natsUsers, type RightsOptions } from './nats-users.ts'

export interface NatsConfigOptions extends RightsOptions {
  nodeIds: readonly string[]
  /** The password of a user, by name. */
  passwordOf: (user: string) => string
  /** `$NAME` stands for a variable of the environment of nats-server. */
  serverName: string
  storeDir: string
  /** The other servers, `host:port` each; none where there is one server. */
  routes: readonly string[]
}

// Room for all streams at their bounds, which come to 1.7 GB, and for what is about to be removed.
const maxFileStore = '4GB'
// Consumers of a moment live here.
const maxMemoryStore = '128MB'
// A question of analytics may be answered after so long, beyond what its asker waits for.
const graceMs = 10_000

/** The file of a nats-server with users, each of whom may do what its service does. */
export function natsConfig(options: NatsConfigOptions): string {
  const { nodeIds, passwordOf, serverName, storeDir, routes } = options
  const users = natsUsers(nodeIds, options).map((user) => userBlock(user, passwordOf(user.name)))
  return `# Written by deploy nats-config; changes to it are lost. Secret: it holds passwords.
server_name: ${serverName.startsWith('$') ? serverName : quoted(serverName)}
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"

jetstream {
  store_dir: ${quoted(storeDir)}
  max_file_store: ${maxFileStore}
  max_memory_store: ${maxMemoryStore}
}
${routes.length === 0 ? '' : clusterBlock(routes, passwordOf('route'))}
accounts {
  SYS {
    users: [{ user: "system", password: ${quoted(passwordOf('system'))} }]
  }
  CORRO {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
  }
}
system_account: SYS
`
}

function clusterBlock(routes: readonly string[], password: string): string {
  const urls = routes.map((route) => quoted(`nats-route://route:${password}@${route}`))
  return `
cluster {
  name: "corroport"
  listen: "0.0.0.0:6222"
  authorization { user: "route", password: ${quoted(password)} }
  routes: [${urls.join(', ')}]
}
`
}

function userBlock(user: NatsUser, password: string): string {
  const { name, publish, notPublish, subscribe, answersWithinMs } = user
  const answers =
    answersWithinMs === undefined
      ? ''
      : `\n          allow_responses: { max: 1, expires: "${answersWithinMs + graceMs}ms" }`
  return `      {
        user: ${quoted(name)}
        password: ${quoted(password)}
        permissions: {
          publish: {
            allow: ${list(publish)}
            deny: ${list(notPublish)}
          }
          subscribe: { allow: ${list(subscribe)} }${answers}
        }
      }`
}

function list(subjects: readonly string[]): string {
  if (subjects.length === 0) return '[]'
  return `[\n${subjects.map((subject) => `              ${quoted(subject)}`).join('\n')}\n            ]`
}

// nats-server reads quoted text as JSON does.
function quoted(text: string): string {
  return JSON.stringify(text)
}
