import type { CheckedEdit, GraphCheck } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { drawBootstrapGraph } from './bootstrap-graph.ts'
import { textOf } from './text.ts'

function edited(number: number, bootstrap: string[], addresses = bootstrap): CheckedEdit {
  return {
    node_id: `node${number}`,
    diff: '',
    sha256_before: '0'.repeat(64),
    sha256_after: '1'.repeat(64),
    bootstrap_before: [],
    bootstrap_after: bootstrap,
    gossip_address_before: `10.0.0.${number}:8787`,
    gossip_address_after: `10.0.0.${number}:8787`,
    resolved: bootstrap.map((host, index) => ({
      host,
      addresses: [addresses[index] ?? host],
      error: null,
    })),
    problems: [],
    warnings: [],
    agent: { state: 'ready', actor_id: null },
    clock: '2026-01-15T10:00:00Z',
  }
}

function draw(nodes: CheckedEdit[], graph: Partial<GraphCheck>): string[] {
  const whole = { components: [], single_points_of_failure: [], unknown_seeds: [], ...graph }
  return drawBootstrapGraph({ nodes, graph: whole }).map((line) => line.map(textOf).join(''))
}

test('seeds are drawn as the nodes behind them, by address or by name', () => {
  const nodes = [
    edited(1, ['10.0.0.2:8787', '10.0.0.1:8787']),
    edited(2, ['seeds.internal:8787'], ['10.0.0.1:8787']),
  ]

  expect(
    draw(nodes, { components: [['node1', 'node2']], single_points_of_failure: ['node1'] }),
  ).toEqual([
    'one piece: node1, node2',
    '  node1 ──> node2',
    '  node2 ──> node1',
    'single points of failure: node1',
  ])
})

test('pieces, strangers and a list that names nobody are shown', () => {
  const nodes = [edited(1, []), edited(2, ['10.9.9.9:8787'])]
  const graph = {
    components: [['node1', 'node3'], ['node2']],
    unknown_seeds: [{ node_id: 'node2', host: '10.9.9.9:8787' }],
  }

  expect(draw(nodes, graph)).toEqual([
    'piece 1 of 2: node1, node3',
    '  node1 ──> nobody',
    'piece 2 of 2: node2',
    '  node2 ──> 10.9.9.9:8787',
    'unknown seed: 10.9.9.9:8787 in the list of node2 is the gossip address of no node',
    'single points of failure: none',
  ])
})
