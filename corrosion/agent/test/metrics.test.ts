import { freePort, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { startMetrics } from '../src/metrics.ts'
import { startNode } from './gossip-node.ts'

test('a scrape counts members, gaps and what was committed, by where it came from', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address] })
  await until(() => a.gossip.members().length === 1)
  const address = { host: '127.0.0.1', port: await freePort() }
  await using _metrics = await startMetrics(address, a)
  a.store.learnHead('aaaaaaaaaaaa4aaaaaaaaaaaaaaaaaaa', 3)
  a.insert(1)
  b.insert(2)
  await until(() => a.ids().length === 2)

  const response = await fetch(`http://127.0.0.1:${address.port}/metrics`)
  const lines = (await response.text()).split('\n')

  expect(lines).toEqual(
    expect.arrayContaining([
      'corro_gossip_members 1',
      'corro_gossip_cluster_size 2',
      'corro_db_gaps_sum 3',
      'corro_broadcast_dropped 0',
      '# TYPE corro_changes_committed counter',
      'corro_changes_committed{table="item",source="local"} 4',
      'corro_changes_committed{table="item",source="remote"} 4',
    ]),
  )
  // A type is told once, before all of its values.
  expect(lines.filter((line) => line.includes('TYPE corro_changes_committed'))).toHaveLength(1)
})
