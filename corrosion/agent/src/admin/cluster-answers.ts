import { type Answer, say } from './admin-agent.ts'

/** In the order of their ids. */
export const members: Answer = function* ({ gossip }) {
  yield say('gathering members', 'debug')
  const all = gossip.members().toSorted((a, b) => (a.id < b.id ? -1 : 1))
  for (const member of all) yield { Json: member }
}

export const membershipStates: Answer = function* ({ gossip }) {
  yield say('gathering membership state')
  for (const state of gossip.membershipStates()) yield { Json: state }
}

export const rejoin: Answer = function* ({ gossip }) {
  gossip.rejoin()
  yield say('Rejoined cluster with a renewed identity')
}

export function setClusterId(clusterId: number): Answer {
  return function* ({ gossip }) {
    yield say(`setting new cluster id: ${clusterId}`)
    gossip.setClusterId(clusterId)
  }
}
