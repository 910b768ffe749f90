import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImages } from './build-images.ts'
import type { Program } from './kubectl.ts'
import { prove, withTestCluster } from './prove.ts'
import { reportOf } from './report.ts'

const usage = `Applies overlays/local to a cluster without CorroPort, disturbs it under load, and counts.

  --rate <per second>   messages through the Service gateway (50)
  --short               less is disturbed, for CI
  --build               builds the images first, with the Corrosion agent of this machine
  --cluster <program>   gives a cluster to test with: up, load IMAGE…, kubectl …, down;
                        without it kubectl asks the cluster of its own configuration
  --keep                leaves that cluster running

Cluster addresses must be reachable from here. The exit code is 0 when all is as it must be.
`

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    short: { type: 'boolean', default: false },
    build: { type: 'boolean', default: false },
    cluster: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || !/^[1-9]\d{0,2}$/.test(values.rate)) {
  process.stderr.write(usage)
  process.exitCode = values.help ? 0 : 64
} else {
  await run(Number(values.rate))
}

async function run(ratePerSecond: number): Promise<void> {
  if (values.build) await buildImages(process.env)
  await using folder = await mkdtempDisposable(join(tmpdir(), 'corroport-kubernetes-'))
  const secretsDir = join(folder.path, 'secrets')
  const use = async (kubectl: Program) => {
    return await prove({
      kubectl,
      secretsDir,
      adminToken: async () => (await readFile(join(secretsDir, 'admin.token'), 'utf8')).trim(),
      ratePerSecond,
      isShort: values.short,
      say: (line) => process.stderr.write(`${line}\n`),
    })
  }
  const proof = await (values.cluster === undefined
    ? use(['kubectl'])
    : withTestCluster(values.cluster, values.keep, use))
  const { table, isMet } = reportOf(proof)
  process.stdout.write(`${table}\n`)
  process.exitCode = isMet ? 0 : 1
}
