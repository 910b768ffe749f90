import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parseAllDocuments } from 'yaml'

const Labels = Type.Record(Type.String(), Type.String())
const Port = Type.Union([Type.Integer(), Type.String()])
const HttpGet = Type.Object({ path: Type.String(), port: Port })
const Probe = Type.Object({
  httpGet: Type.Optional(HttpGet),
  periodSeconds: Type.Optional(Type.Integer()),
  failureThreshold: Type.Optional(Type.Integer()),
})

export const Container = Type.Object({
  name: Type.String(),
  image: Type.String(),
  args: Type.Optional(Type.Array(Type.String())),
  restartPolicy: Type.Optional(Type.String()),
  ports: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        containerPort: Type.Integer(),
        protocol: Type.Optional(Type.String()),
      }),
    ),
  ),
  env: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        value: Type.Optional(Type.String()),
        valueFrom: Type.Optional(
          Type.Object({
            configMapKeyRef: Type.Optional(
              Type.Object({ name: Type.String(), key: Type.String() }),
            ),
            fieldRef: Type.Optional(Type.Object({ fieldPath: Type.String() })),
            secretKeyRef: Type.Optional(Type.Unknown()),
          }),
        ),
      }),
    ),
  ),
  startupProbe: Type.Optional(Probe),
  readinessProbe: Type.Optional(Probe),
  livenessProbe: Type.Optional(Probe),
  resources: Type.Optional(Type.Record(Type.String(), Labels)),
  securityContext: Type.Optional(Type.Unknown()),
  volumeMounts: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        mountPath: Type.String(),
        subPath: Type.Optional(Type.String()),
        subPathExpr: Type.Optional(Type.String()),
        readOnly: Type.Optional(Type.Boolean()),
      }),
    ),
  ),
})
export type Container = Static<typeof Container>

export const PodTemplate = Type.Object({
  metadata: Type.Object({ labels: Labels }),
  spec: Type.Object({
    automountServiceAccountToken: Type.Optional(Type.Boolean()),
    enableServiceLinks: Type.Optional(Type.Boolean()),
    terminationGracePeriodSeconds: Type.Optional(Type.Integer()),
    securityContext: Type.Optional(Type.Unknown()),
    initContainers: Type.Optional(Type.Array(Container)),
    containers: Type.Array(Container),
    volumes: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          secret: Type.Optional(
            Type.Object({
              secretName: Type.String(),
              items: Type.Optional(
                Type.Array(Type.Object({ key: Type.String(), path: Type.String() })),
              ),
            }),
          ),
        }),
      ),
    ),
  }),
})

const Selector = Type.Object({
  matchLabels: Type.Optional(Labels),
  matchExpressions: Type.Optional(
    Type.Array(
      Type.Object({
        key: Type.String(),
        operator: Type.Literal('In'),
        values: Type.Array(Type.String()),
      }),
    ),
  ),
})
export type Selector = Static<typeof Selector>

const PolicyPort = Type.Object({ port: Type.Integer(), protocol: Type.String() })
const Peer = Type.Object({
  podSelector: Type.Optional(Selector),
  namespaceSelector: Type.Optional(Selector),
  ipBlock: Type.Optional(Type.Object({ cidr: Type.String() })),
})

export const Workload = Type.Object({ spec: Type.Object({ template: PodTemplate }) })
export const ServiceObject = Type.Object({
  metadata: Type.Object({ name: Type.String() }),
  spec: Type.Object({
    selector: Labels,
    ports: Type.Array(Type.Object({ port: Type.Integer(), targetPort: Type.String() })),
  }),
})
export const Budget = Type.Object({ spec: Type.Object({ selector: Selector }) })
export const Policy = Type.Object({
  spec: Type.Object({
    podSelector: Selector,
    policyTypes: Type.Array(Type.String()),
    ingress: Type.Optional(
      Type.Array(
        Type.Object({
          from: Type.Optional(Type.Array(Peer)),
          ports: Type.Optional(Type.Array(PolicyPort)),
        }),
      ),
    ),
    egress: Type.Optional(
      Type.Array(
        Type.Object({
          to: Type.Optional(Type.Array(Peer)),
          ports: Type.Optional(Type.Array(PolicyPort)),
        }),
      ),
    ),
  }),
})
export type Policy = Static<typeof Policy>

export const ServiceMonitor = Type.Object({
  spec: Type.Object({
    selector: Selector,
    endpoints: Type.Array(
      Type.Object({
        port: Type.String(),
        relabelings: Type.Array(
          Type.Object({
            targetLabel: Type.String(),
            replacement: Type.Optional(Type.String()),
          }),
        ),
      }),
    ),
  }),
})

const Manifest = Type.Object({
  kind: Type.String(),
  metadata: Type.Object({ name: Type.String() }),
})
export type Manifest = Static<typeof Manifest>

export const Kustomization = Type.Object({
  resources: Type.Array(Type.String()),
  configMapGenerator: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), literals: Type.Array(Type.String()) })),
  ),
})

/** The objects that the files of these kustomizations name, as written: patches are not applied. */
export function readManifests(folders: readonly string[]): Manifest[] {
  return folders.flatMap((folder) => {
    const { resources } = readKustomization(folder)
    return resources
      .filter((name) => name.endsWith('.yaml'))
      .flatMap((name) => readDocuments(join(folder, name)))
      .map((document) => Value.Parse(Manifest, document))
  })
}

const Added = Type.Object({
  metadata: Type.Object({ name: Type.String() }),
  spec: Type.Object({
    template: Type.Object({ spec: Type.Object({ containers: Type.Array(Container) }) }),
  }),
})

/** What a patch of a component adds to pods, by the workload. */
export function readAddedContainers(path: string): Map<string, Container[]> {
  return new Map(
    readDocuments(path).map((document) => {
      const { metadata, spec } = Value.Parse(Added, document)
      return [metadata.name, spec.template.spec.containers]
    }),
  )
}

export function readKustomization(folder: string): Static<typeof Kustomization> {
  const [document] = readDocuments(join(folder, 'kustomization.yaml'))
  return Value.Parse(Kustomization, document)
}

function readDocuments(path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document): unknown => document.toJS())
}

/** The objects of some kinds. Throws where one has not the form that is relied on. */
export function ofKind<S extends TSchema>(
  manifests: readonly Manifest[],
  kinds: readonly string[],
  schema: S,
): { kind: string; name: string; object: Static<S> }[] {
  return manifests
    .filter(({ kind }) => kinds.includes(kind))
    .map((manifest) => ({
      kind: manifest.kind,
      name: manifest.metadata.name,
      object: Value.Parse(schema, manifest),
    }))
}

export function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  )
}
