import { nodeParts, onceParts, readShare } from './share.ts'

/**
 * Secrets as manifests. `corroport-nodes` has the keys of every node, `<node>.<service>.<file>`, since
 * one StatefulSet's pods share what they mount; each container takes its own by subPathExpr.
 */
export function kubernetesSecrets(options: {
  dir: string
  nodeIds: readonly string[]
  namespace: string
}): string {
  const { dir, nodeIds, namespace } = options
  const ofNodes = nodeIds.flatMap((nodeId) =>
    nodeParts.flatMap((part) =>
      [...readShare(dir, `${part}-${nodeId}`)].map(([file, value]): [string, string] => [
        `${nodeId}.${part}.${keyOf(file)}`,
        value,
      ]),
    ),
  )
  const manifests = [
    manifest('corroport-nodes', namespace, ofNodes),
    ...onceParts.map((name) =>
      manifest(
        `corroport-${name}`,
        namespace,
        [...readShare(dir, name)].map(([file, value]): [string, string] => [keyOf(file), value]),
      ),
    ),
  ]
  return `${manifests.map((each) => JSON.stringify(each, undefined, 2)).join('\n---\n')}\n`
}

function keyOf(file: string): string {
  return /\.(conf|toml)$/.test(file) ? file : file.replaceAll('.', '-')
}

function manifest(
  name: string,
  namespace: string,
  entries: readonly (readonly [string, string])[],
) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'corroport' } },
    type: 'Opaque',
    stringData: Object.fromEntries(entries),
  }
}
