import { parseArgs } from 'node:util'
import { makeSecrets } from '../make-secrets.ts'

const usage = `Makes the secrets of a cluster that are missing, and prints them for kubectl apply -f -.

  --dir <folder>          where they are kept; must be given
  --namespace <name>      where they belong (corroport)
  --postgres <place>      host:port/name of the database (postgres:5432/corroport)
  --nats-servers <count>  1, as in overlays/local, or 3 (1)
`

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    namespace: { type: 'string', default: 'corroport' },
    postgres: { type: 'string', default: 'postgres:5432/corroport' },
    'nats-servers': { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
const { dir, namespace, postgres, 'nats-servers': servers } = values
if (dir === undefined || values.help || !/^[1-9]$/.test(servers)) {
  process.stderr.write(usage)
  process.exitCode = values.help ? 0 : 64
} else {
  const natsServers = Number(servers)
  process.stdout.write(`${await makeSecrets({ dir, namespace, postgres, natsServers })}\n`)
}
