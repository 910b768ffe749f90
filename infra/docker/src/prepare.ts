import { statSync } from 'node:fs'
import { join } from 'node:path'
import { agentConfig } from '@corroport/deploy/src/agent-config.ts'
import { natsConfig } from '@corroport/deploy/src/nats-config.ts'
import {
  initSecrets,
  readSecret,
  removeDrafts,
  secretRights,
} from '@corroport/deploy/src/secrets.ts'
import { nodeParts, onceParts, shareSecrets } from '@corroport/deploy/src/share.ts'
import { writeWhole } from '@corroport/deploy/src/write-file.ts'

export interface Places {
  /** Of the volume with all secrets. */
  secrets: string
  /** Under it, by name or by node and service, what each container is shown. */
  volumes: string
}

/**
 * Makes what a cluster in containers lacks of secrets and configurations, and shows each container
 * its own. Gives the names of what changed. Safe to be run again, and to be killed.
 */
export function prepare({ secrets, volumes }: Places, nodeIds: readonly string[]): string[] {
  requireMounts(volumes, nodeIds)
  removeDrafts(secrets)
  const changed = initSecrets(secrets, { nodeIds, postgres: 'postgres:5432/corroport' })

  const nats = natsConfig({
    nodeIds,
    passwordOf: (user) => readSecret(secrets, `nats/${user}.password`),
    serverName: 'nats',
    storeDir: '/data',
    routes: [],
  })
  writeWhole(join(secrets, 'nats/nats.conf'), nats, secretRights)
  for (const nodeId of nodeIds) {
    const agent = agentConfig({
      nodeId,
      bootstrap: nodeIds.flatMap((other) => (other === nodeId ? [] : `${agentOf(other)}:8787`)),
      api: '0.0.0.0:8080',
      prometheus: '0.0.0.0:9090',
      token: readSecret(secrets, `agent/${nodeId}.token`),
    })
    writeWhole(join(secrets, `agent/${nodeId}.toml`), agent, secretRights)
  }

  const share = (who: string, place: string): void => {
    const names = shareSecrets({ dir: secrets, to: join(volumes, place), who })
    changed.push(...names.map((name) => `${place}/${name}`))
  }
  for (const part of onceParts) share(part, part)
  for (const nodeId of nodeIds) {
    for (const part of nodeParts) share(`${part}-${nodeId}`, `${nodeId}/${part}`)
  }
  return changed
}

/** The name of its container in the network. */
function agentOf(nodeId: string): string {
  return nodeId.replace(/^node/, 'agent')
}

/** A folder of the image is on another device than the volume that should be mounted over it. */
function requireMounts(volumes: string, nodeIds: readonly string[]): void {
  const image = statSync(volumes).dev
  const missing = nodeIds.filter((nodeId) => {
    const folder = statSync(join(volumes, nodeId, 'gateway'), { throwIfNoEntry: false })
    return folder === undefined || folder.dev === image
  })
  if (missing.length === 0) return
  throw new Error(
    `no volumes of ${missing.join(', ')}: add to the compose file what deploy compose-nodes prints, or set CLUSTER_NODES to fewer nodes`,
  )
}
