import { createParser, NodesReply } from '@corroport/contracts'
import type { Gateway } from './gateway-client.ts'

/** The nodes that announce themselves, as the asked one hears them. */
export async function askPresentNodes(gateway: Gateway): Promise<string[]> {
  const { nodes } = await gateway.get('/api/nodes', createParser('nodes', NodesReply))
  return nodes.flatMap(({ node_id, presence }) => (presence === 'present' ? [node_id] : []))
}
