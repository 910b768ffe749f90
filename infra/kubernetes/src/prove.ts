import { join } from 'node:path'
import { Type } from 'typebox'
import { type Account, takeAccount } from './account.ts'
import { podsOf, until, untilReady, whoHasWhat } from './cluster-state.ts'
import { createKubectl, type Program, runProgram } from './kubectl.ts'
import { type Call, startLoad } from './load.ts'
import { makeSecrets } from './make-secrets.ts'
import { createServiceClient } from './service-client.ts'
import {
  changeBootstrap,
  deletePod,
  evictNats,
  evictPod,
  killContainers,
  restartAgent,
  restartAll,
  type Steps,
  scaleDown,
  scaleUp,
} from './steps.ts'

const namespace = 'corroport'
const nodes = 3
const apiPort = 4000
const manifests = join(import.meta.dirname, '..')

export interface ProofOptions {
  kubectl: Program
  /** Where the secrets of the cluster are kept. */
  secretsDir: string
  adminToken: () => Promise<string>
  ratePerSecond: number
  /** Leaves out what takes long. */
  isShort: boolean
  say: (line: string) => void
}

/** What users may notice of a step: that some calls have to be made again, or are cut off. */
type Toll = 'none' | 'again' | 'cut off'

export interface StepResult {
  name: string
  toll: Toll
  seconds: number
  calls: number
  /** What was said to calls that were made again, and then succeeded. */
  setbacks: readonly string[]
  cutOff: readonly string[]
  /** Of calls, and of the step itself. */
  failures: readonly string[]
}

export interface Proof {
  readySeconds: number
  steps: StepResult[]
  account: Account
  answered: number
  /** Calls that nobody answered: each may have written a message. */
  cutOff: number
  /** What belongs to another node than before. */
  moved: string[]
}

/** Applies the local overlay, disturbs it under load, and counts what became of each message. */
export async function prove(options: ProofOptions): Promise<Proof> {
  const { secretsDir, adminToken, ratePerSecond, isShort, say } = options
  const kubectl = createKubectl(options.kubectl, namespace)
  const appliedAt = performance.now()
  await kubectl.run(['apply', '-f', join(manifests, 'base/namespace.yaml')])
  const secrets = await makeSecrets({
    dir: secretsDir,
    namespace,
    postgres: 'postgres:5432/corroport',
    natsServers: 1,
  })
  await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], secrets)
  await kubectl.run(['apply', '-k', join(manifests, 'overlays/local')])
  for (const [name, pods] of [
    ['nats', 1],
    ['postgres', 1],
    ['analytics', 1],
    ['node', nodes],
  ] as const) {
    await untilReady(kubectl, name, { pods, deadlineMs: 600_000 })
  }
  const readySeconds = (performance.now() - appliedAt) / 1000
  say(`ready after ${readySeconds.toFixed(0)} s`)

  const token = await adminToken()
  const { spec } = await kubectl.read(['get', 'service/gateway'], ClusterAddress)
  const host = `gateway.${namespace}.svc.cluster.local:${apiPort}`
  const steps: Steps = {
    kubectl,
    namespace,
    client: createServiceClient({ address: spec.clusterIP, port: apiPort, host, token }),
    clientOf: (address) => createServiceClient({ address, port: apiPort, token }),
  }
  const before = await whoHasWhat(kubectl, steps.client)
  const load = startLoad(steps.client, ratePerSecond)
  const left = new Map<string, Date>()
  const done: Timed[] = []
  const step = async (
    name: string,
    act: () => Promise<unknown>,
    toll: Toll = 'none',
  ): Promise<void> => {
    // What was sent until then is counted all the same.
    if (done.some(({ problem }) => problem !== undefined)) return
    const fromMs = performance.now()
    const problem = await act().then(
      () => undefined,
      (error: unknown) => String(error),
    )
    const toMs = performance.now()
    done.push({ name, toll, fromMs, toMs, problem })
    say(`${name}: ${problem ?? `${((toMs - fromMs) / 1000).toFixed(0)} s`}`)
  }

  try {
    await step('undisturbed', () => undisturbed(load.calls, ratePerSecond))
    await step('scale 3 → 4', () => scaleUp(steps, nodes + 1))
    // A node that leaves takes no messages, which a Service notices some seconds later.
    await step(
      'leave, scale 4 → 3, remove',
      async () => {
        const { leftFrom } = await scaleDown(steps, nodes)
        left.set(`node-${nodes}`, leftFrom)
      },
      'again',
    )
    await step('delete node-1', () => deletePod(steps, 'node-1'))
    for (const workload of isShort ? ['node'] : ['node', 'analytics', 'postgres']) {
      for (const { name } of await podsOf(kubectl, workload)) {
        if (isShort && name !== 'node-0') continue
        await step(`evict ${name}`, () => evictPod(steps, name))
      }
    }
    if (!isShort) await step('evict nats-0', () => evictNats(steps), 'again')
    await step('restart the agent of node-0', () => restartAgent(steps, 'node-0'), 'again')
    await step('change the bootstrap lists', () => changeBootstrap(steps, nodes), 'again')
    await step('kill each container of node-2', () => killContainers(steps, 'node-2'), 'cut off')
    if (!isShort) {
      await step('rolling restart of the nodes', () => restartAll(steps, 'statefulset/node'))
      await step('restart of analytics', () => restartAll(steps, 'deployment/analytics'))
    }
    await step('undisturbed again', () => undisturbed(load.calls, ratePerSecond))
  } finally {
    await load.stop()
  }
  const answered = new Set(load.calls.flatMap(({ messageId }) => messageId ?? []))
  const cutOff = load.calls.filter(({ isCutOff }) => isCutOff).length
  say(`sent ${load.calls.length}, answered ${answered.size}`)
  const account = await takeAccount(steps.client, { answered, left, deadlineMs: 180_000 })
  const after = await whoHasWhat(kubectl, steps.client)
  return {
    readySeconds,
    steps: done.map((timed) => resultOf(timed, load.calls)),
    account,
    answered: answered.size,
    cutOff,
    moved: [...before].flatMap(([what, was]) => {
      const is = after.get(what)
      return is === was ? [] : [`${what} was ${was}, is ${is}`]
    }),
  }
}

const ClusterAddress = Type.Object({ spec: Type.Object({ clusterIP: Type.String() }) })

const undisturbedSeconds = 5
async function undisturbed(calls: readonly Call[], ratePerSecond: number): Promise<void> {
  const enough = calls.length + undisturbedSeconds * ratePerSecond
  await until('a while', 60_000, async () => (calls.length >= enough ? undefined : 'too few calls'))
}

interface Timed {
  name: string
  toll: Toll
  fromMs: number
  toMs: number
  /** Why it was not done to its end. */
  problem: string | undefined
}

function resultOf(
  { name, toll, fromMs, toMs, problem }: Timed,
  calls: readonly Call[],
): StepResult {
  const own = calls.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  const failed = own.filter(({ failure }) => failure !== undefined)
  const failuresOf = (found: readonly Call[]): string[] =>
    found.flatMap(({ failure }) => failure ?? [])
  return {
    name,
    toll,
    seconds: (toMs - fromMs) / 1000,
    calls: own.length,
    setbacks: own.flatMap(({ setbacks, failure }) =>
      failure === undefined ? setbacks.slice(0, 1) : [],
    ),
    cutOff: failuresOf(failed.filter(({ isCutOff }) => isCutOff)),
    failures: [
      ...(problem === undefined ? [] : [problem]),
      ...failuresOf(failed.filter(({ isCutOff }) => !isCutOff)),
    ],
  }
}

/** A program that gives a cluster to test with: `up`, `load IMAGE…`, `kubectl …`, `down`. */
export async function withTestCluster<T>(
  program: string,
  isKept: boolean,
  use: (kubectl: Program) => Promise<T>,
): Promise<T> {
  await runProgram([program, 'up'])
  try {
    await runProgram([program, 'load', ...images])
    return await use([program, 'kubectl'])
  } finally {
    if (!isKept) await runProgram([program, 'down'])
  }
}

const images = [
  'corroport/services:0.1.0',
  'corroport/agent:0.1.0',
  'nats:2.14.9-alpine',
  'postgres:18-trixie',
]
