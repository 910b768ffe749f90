import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig as readAckSender } from '@corroport/ack-sender/config.ts'
import { readConfig as readAnalytics } from '@corroport/analytics/config.ts'
import { readConfig as readBuildController } from '@corroport/build-controller/config.ts'
import { readConfig as readConfigManager } from '@corroport/config-manager/config.ts'
import { rotateSecret } from '@corroport/deploy/src/secrets.ts'
import { readConfig as readEdgeProxy } from '@corroport/edge-proxy/config.ts'
import { readConfig as readGateway } from '@corroport/gateway/config.ts'
import { readConfig as readSubscriber } from '@corroport/subscriber/config.ts'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { services } from '../../docs/src/services.ts'
import { makeSecrets } from '../src/make-secrets.ts'
import {
  Budget,
  type Manifest,
  ofKind,
  Policy,
  readAddedContainers,
  readKustomization,
  readManifests,
  type Selector,
  ServiceMonitor,
  ServiceObject,
  selects,
  Workload,
} from '../src/manifests.ts'

const here = join(import.meta.dirname, '..')
const folders = [
  'base',
  'overlays/local',
  'overlays/production',
  'components/service-monitors',
  'components/edge-proxy',
  'components/build-controller',
].map((folder) => join(here, folder))
const manifests = readManifests(folders)
const added = readAddedContainers(join(here, 'components/edge-proxy/container.yaml'))
const workloads = ofKind(manifests, ['StatefulSet', 'Deployment', 'Job'], Workload).map(
  ({ name, kind, object: { spec } }) => ({
    name,
    kind,
    metadata: spec.template.metadata,
    spec: {
      ...spec.template.spec,
      containers: [...spec.template.spec.containers, ...(added.get(name) ?? [])],
    },
  }),
)
const containers = workloads.flatMap(({ name, kind, spec }) =>
  [...(spec.initContainers ?? []), ...spec.containers].map((container) => ({
    workload: name,
    kind,
    spec,
    container,
    title: `${container.name} of ${name}`,
  })),
)
const readers = {
  subscriber: readSubscriber,
  'ack-sender': readAckSender,
  'config-manager': readConfigManager,
  gateway: readGateway,
  'edge-proxy': readEdgeProxy,
  analytics: readAnalytics,
  'build-controller': readBuildController,
}
const serviceContainers = containers.filter(({ container }) => container.name in readers)
const temporary = mkdtempSync(join(tmpdir(), 'corroport-manifests-'))
const secretsDir = join(temporary, 'secrets')
afterAll(() => rmSync(temporary, { recursive: true }))
let secrets: Record<string, Record<string, string>> = {}
beforeAll(async () => {
  await readSecrets(1)
  // Then there are all that there may be.
  rotateSecret(secretsDir, 'postgres/owner.password')
  secrets = await readSecrets(1)
})

test('the workloads are those that a cluster needs', () => {
  expect(workloads.map(({ name }) => name).toSorted()).toEqual([
    'analytics',
    'build-controller',
    'migrate',
    'nats',
    'node',
    'postgres',
  ])
  expect(serviceContainers.map(({ container }) => container.name).toSorted()).toEqual(
    Object.keys(readers).toSorted(),
  )
})

describe.each(workloads)('a pod of $name', ({ spec }) => {
  test('runs as a user without rights, with no account and no variables of other Services', () => {
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: expect.any(Number),
      fsGroup: expect.any(Number),
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(spec.automountServiceAccountToken).toBe(false)
    expect(spec.enableServiceLinks).toBe(false)
  })
})

describe.each(containers)('$title', ({ workload, kind, spec, container }) => {
  test('has no capabilities, no way to more rights, and a root that is only read', () => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('says what it needs and how much memory it may take', () => {
    expect(container.resources).toEqual({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    })
  })

  test('has an image of one version', () => {
    expect(container.image).toMatch(/^[a-z/]+:\d[\w.-]*$/)
    const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as {
      version: string
    }
    const [name, tag] = container.image.split(':')
    expect(tag).toBe(name?.startsWith('corroport/') ? version : tag)
  })

  test('is probed, unless it is a step that ends', () => {
    expect(container.livenessProbe === undefined).toBe(kind === 'Job')
  })

  test('takes secrets from files of Secrets that deploy kubernetes-secrets prints', () => {
    for (const { valueFrom } of container.env ?? []) expect(valueFrom?.secretKeyRef).toBeUndefined()
    const wanted = secretFilesOf({ spec, container })
    for (const { secretName, key } of wanted) {
      expect(Object.keys(secrets[secretName] ?? {})).toContain(key)
    }
    const paths = wanted.map(({ path }) => path)
    const named = (container.env ?? []).filter(({ name }) => name.endsWith('_FILE'))
    for (const { value } of named) expect(paths).toContain(value)
    // What is in a Secret for one part is not for another.
    const foreign = wanted.filter(
      ({ secretName, key }) =>
        secretName !== `corroport-${workload}` && !key.startsWith(`node-0.${container.name}.`),
    )
    expect(foreign).toEqual([])
  })
})

describe.each(serviceContainers)('$title', ({ spec, container }) => {
  const service = services.find(({ name }) => name === container.name)

  test('is given variables that it knows, and starts with them', () => {
    const known = new Set(
      Object.entries(service?.variables.properties ?? {}).flatMap(([name, property]) =>
        'isSecret' in property ? [`${name}_FILE`] : [name],
      ),
    )
    const given = (container.env ?? []).filter(({ name }) => !name.startsWith('POD_'))
    expect(given.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([])

    for (const overlay of ['overlays/local', 'overlays/production']) {
      const read = readers[container.name as keyof typeof readers]
      expect(() => read(environmentOf({ spec, container }, overlay))).not.toThrow()
    }
  })

  test('is asked for health where it listens, and left time to become ready', () => {
    const { METRICS_PORT } = environmentOf({ spec, container }, 'overlays/local')
    for (const [probe, path] of [
      [container.startupProbe, '/health/startup'],
      [container.readinessProbe, '/health/ready'],
      [container.livenessProbe, '/health/live'],
    ] as const) {
      expect(probe?.httpGet?.path).toBe(path)
      const port = container.ports?.find(({ name }) => name === probe?.httpGet?.port)
      expect(port?.containerPort).toBe(Number(METRICS_PORT))
    }
    const { periodSeconds = 10, failureThreshold = 3 } = container.startupProbe ?? {}
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(600)
  })
})

test('a node has its grace for a gateway that goes on serving, its end, and the end of the agent', () => {
  const node = workloads.find(({ name }) => name === 'node')
  const delays = (node?.spec.containers ?? []).map((container) =>
    Number(container.env?.find(({ name }) => name === 'STOP_DELAY_MS')?.value ?? 0),
  )

  expect(Math.max(...delays)).toBeGreaterThanOrEqual(5000)
  // Kubernetes ends what is always restarted among the init containers after the others.
  const agent = node?.spec.initContainers?.find(({ name }) => name === 'agent')
  expect(agent?.restartPolicy).toBe('Always')
  const grace = node?.spec.terminationGracePeriodSeconds ?? 0
  expect(grace).toBeGreaterThanOrEqual(Math.max(...delays) / 1000 + 10 + 7)
})

test('each node that the settings name has its secrets, and they fit into one Secret', () => {
  for (const nodeId of (settingsOf('base').NODES ?? '').split(',')) {
    expect(secrets['corroport-nodes']).toHaveProperty([`${nodeId}.gateway.nats-password`])
  }
  for (const data of Object.values(secrets)) {
    expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(1024 * 1024)
  }
})

test('a server of NATS is called as its pod, and knows the routes of three where there are three', async () => {
  const nats = containers.find(({ container }) => container.name === 'nats')
  const three = (await readSecrets(3))['corroport-nats']?.['nats.conf'] ?? ''

  expect(nats?.container.env?.map(({ name }) => name)).toContain('POD_NAME')
  expect(three).toContain('server_name: $POD_NAME')
  expect(three).toContain('@nats-2.nats-servers.corroport.svc.cluster.local:6222')
  expect(secrets['corroport-nats']?.['nats.conf']).not.toContain('routes')
})

test('no two containers of a pod listen on one port', () => {
  for (const { spec } of workloads) {
    const ports = [...(spec.initContainers ?? []), ...spec.containers].flatMap(
      ({ ports: own = [] }) => own.map(({ containerPort }) => containerPort),
    )
    expect(new Set(ports).size).toBe(ports.length)
  }
})

test('every Service leads to a port of some pod', () => {
  for (const { name, object } of ofKind(manifests, ['Service'], ServiceObject)) {
    const ports = podsOf({ matchLabels: object.spec.selector }).flatMap(({ spec }) =>
      [...(spec.initContainers ?? []), ...spec.containers].flatMap((each) => each.ports ?? []),
    )
    for (const { port, targetPort } of object.spec.ports) {
      const found = ports.find((each) => each.name === targetPort)
      expect([name, port, found?.containerPort]).toEqual([name, port, port])
    }
  }
})

test('monitors read the metrics of every service, under its name', () => {
  const monitors = ofKind(manifests, ['ServiceMonitor'], ServiceMonitor)
  const read = monitors.flatMap(({ object }) =>
    object.spec.endpoints.map(({ port, relabelings }) => {
      const label = relabelings.find(({ targetLabel }) => targetLabel === 'service')
      return `${label?.replacement} at ${port}`
    }),
  )
  const offered = serviceContainers.map(({ container }) => {
    const port = container.ports?.find(({ name }) => name.includes('metrics'))
    return `${container.name} at ${port?.name}`
  })

  expect(read.toSorted()).toEqual(offered.toSorted())
})

test('a disruption budget keeps what has replicas', () => {
  const budgets = ofKind(manifests, ['PodDisruptionBudget'], Budget)
  const kept = budgets.flatMap(({ object }) => podsOf(object.spec.selector).map(({ name }) => name))

  expect(kept.toSorted()).toEqual(['nats', 'node'])
})

describe('network policies', () => {
  const policies = ofKind(manifests, ['NetworkPolicy'], Policy)

  test('refuse all pods everything that is not named', () => {
    const deny = policies.find(({ name }) => name === 'default-deny')?.object.spec

    expect(deny).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })

  test('let each pod say what another may hear, and nothing more', () => {
    const mayHear = policies.flatMap(({ object: { spec } }) =>
      (spec.ingress ?? []).flatMap(({ from = [], ports = [] }) =>
        edges(from.flatMap(podsAmong), podsOf(spec.podSelector).map(nameOf), ports),
      ),
    )
    const maySay = policies.flatMap(({ object: { spec } }) =>
      (spec.egress ?? []).flatMap(({ to = [], ports = [] }) =>
        edges(podsOf(spec.podSelector).map(nameOf), to.flatMap(podsAmong), ports),
      ),
    )

    expect(maySay.toSorted()).toEqual(mayHear.toSorted())
    expect(maySay.toSorted()).toEqual([
      'analytics to nats 4222/TCP',
      'analytics to postgres 5432/TCP',
      'build-controller to nats 4222/TCP',
      'build-controller to postgres 5432/TCP',
      'migrate to nats 4222/TCP',
      'migrate to postgres 5432/TCP',
      'nats to nats 6222/TCP',
      'node to nats 4222/TCP',
      'node to nats 8222/TCP',
      'node to node 5000/TCP',
      'node to node 8787/UDP',
      'node to postgres 5432/TCP',
    ])
  })

  test('name ports that somebody listens on', () => {
    for (const { name, object } of policies) {
      for (const { ports = [] } of object.spec.ingress ?? []) {
        const open = podsOf(object.spec.podSelector).flatMap(({ spec }) =>
          [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ ports: own = [] }) =>
            own.map(({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol}`),
          ),
        )
        for (const { port, protocol } of ports) {
          expect([name, open]).toEqual([name, expect.arrayContaining([`${port}/${protocol}`])])
        }
      }
    }
  })

  test('let everybody in at the APIs and at the edge only', () => {
    const open = policies.flatMap(({ object: { spec } }) =>
      (spec.ingress ?? []).filter(({ from }) => from === undefined).map(({ ports }) => ports),
    )

    expect(open.flat()).toEqual([
      { port: 4000, protocol: 'TCP' },
      { port: 7080, protocol: 'TCP' },
      { port: 4444, protocol: 'TCP' },
    ])
  })
})

function nameOf({ name }: { name: string }): string {
  return name
}

function podsOf(selector: Selector): typeof workloads {
  return workloads.filter(({ metadata }) => selects(selector, metadata.labels))
}

/** Of this namespace; another's, or addresses, are nobody of ours. */
function podsAmong(peer: { podSelector?: Selector; namespaceSelector?: Selector }): string[] {
  if (peer.podSelector === undefined || peer.namespaceSelector !== undefined) return []
  return podsOf(peer.podSelector).map(nameOf)
}

function edges(
  from: readonly string[],
  to: readonly string[],
  ports: readonly { port: number; protocol: string }[],
): string[] {
  return from.flatMap((one) =>
    to.flatMap((other) =>
      ports.map(({ port, protocol }) => `${one} to ${other} ${port}/${protocol}`),
    ),
  )
}

type Placed = Pick<(typeof containers)[number], 'spec' | 'container'>

/** The files of Secrets that a container of node-0 sees. */
function secretFilesOf({ spec, container }: Placed) {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath, subPathExpr }) => {
    const secret = spec.volumes?.find((volume) => volume.name === name)?.secret
    if (!secret) return []
    const { secretName, items } = secret
    const file = subPathExpr?.replace('$(POD_NAME)', 'node-0') ?? subPath
    const inVolume = items ?? [{ key: file ?? '', path: file ?? '' }]
    return inVolume
      .filter(({ path }) => file === undefined || path === file)
      .map(({ key, path }) => ({
        secretName,
        key,
        path: file === undefined ? `${mountPath}/${path}` : mountPath,
      }))
  })
}

/** What the process of this container of node-0 finds, with its secrets in a folder of this test. */
function environmentOf(placed: Placed, overlay: string): Record<string, string> {
  const settings = { ...settingsOf('base'), ...settingsOf(overlay) }
  const fields = { 'metadata.name': 'node-0', 'metadata.namespace': 'corroport' }
  const files = secretFilesOf(placed)
  const folder = mkdtempSync(join(temporary, 'environment-'))
  const found: Record<string, string> = {}
  for (const { name, value, valueFrom } of placed.container.env ?? []) {
    const { fieldRef, configMapKeyRef } = valueFrom ?? {}
    const given =
      value?.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => found[other] ?? whole) ??
      (fieldRef && fields[fieldRef.fieldPath as keyof typeof fields]) ??
      (configMapKeyRef && settings[configMapKeyRef.key])
    if (given === undefined) throw new Error(`${name} has no value`)
    const file = name.endsWith('_FILE') ? files.find(({ path }) => path === given) : undefined
    if (file) writeFileSync(join(folder, name), secrets[file.secretName]?.[file.key] ?? '')
    found[name] = file ? join(folder, name) : given
  }
  return found
}

function settingsOf(folder: string): Record<string, string> {
  const { configMapGenerator = [] } = readKustomization(join(here, folder))
  const literals = configMapGenerator.flatMap((generator) => generator.literals)
  return Object.fromEntries(
    literals.map((literal) => [
      literal.slice(0, literal.indexOf('=')),
      literal.slice(literal.indexOf('=') + 1),
    ]),
  )
}

/** By name and key, as they are given to kubectl. */
async function readSecrets(natsServers: number): Promise<Record<string, Record<string, string>>> {
  const printed = await makeSecrets({
    dir: secretsDir,
    namespace: 'corroport',
    postgres: 'postgres:5432/corroport',
    natsServers,
  })
  return Object.fromEntries(
    parseAllDocuments(printed).map((document) => {
      const { metadata, stringData } = document.toJS() as Manifest & {
        stringData: Record<string, string>
      }
      return [metadata.name, stringData]
    }),
  )
}
