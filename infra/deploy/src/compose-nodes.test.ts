import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { composeNodes } from './compose-nodes.ts'

const file = readFileSync(join(import.meta.dirname, '../../../docker-compose.yml'), 'utf8')
const parts = ['agent', 'subscriber', 'ack-sender', 'config-manager', 'gateway', 'edge-proxy']

test('a fifth node has all parts of the third, under its own names', () => {
  const text = composeNodes(file, 5)

  for (const part of parts) {
    expect(text).toContain(`\n  ${part}5:\n`)
    expect(text).toContain(`- secrets-${part}5:/volumes/node5/${part}\n`)
    expect(text).toContain(`\n  secrets-${part}5:\n`)
  }
  expect(text).toContain('NATS_USER: gateway-node5')
  expect(text).toContain('{NODE5_PORT:-4005}:4000')
  expect(text).toContain('{EDGE5_PORT:-7005}:7080')
  expect(text).toContain('BACKEND_ID: web-ap-3')
  expect(text.match(/CLUSTER_NODES: "node1,node2,node3,node4,node5"/g)).toHaveLength(2 + 5 * 4)
  expect(text).not.toMatch(/node3(?!,node4)|agent3|gateway3: *!/)
})

test('the parts of an eleventh node extend what there is', () => {
  const text = composeNodes(file, 11)

  const extended = [...text.matchAll(/^ {4}extends: ([\w-]+)$/gm)].map(([, name]) => name)
  for (const name of extended) expect(text).toContain(`\n  ${name}:\n`)
  expect(extended).toContain('agent11')
  expect(text).toContain('extends: { file: docker-compose.yml, service: agent1 }')
})

test('of three nodes the third is left out where two are wanted', () => {
  const text = composeNodes(file, 2)

  for (const part of parts)
    expect(text).toContain(`  ${part}3:\n    profiles: !override [absent]\n`)
  expect(text).not.toContain('node3')
  expect(text).not.toContain('volumes:')
})
