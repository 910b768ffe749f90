import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { prepare } from './prepare.ts'
import { root } from './project.ts'

test('nodes without volumes are refused before anything is made, with a variable that is read', () => {
  using folder = createTemporaryFolder()
  const places = { secrets: join(folder.path, 'secrets'), volumes: join(folder.path, 'volumes') }
  mkdirSync(join(places.volumes, 'node1/gateway'), { recursive: true })
  const act = () => prepare(places, ['node1', 'node2'])

  expect(act).toThrow(/^no volumes of node1, node2: .* or set CLUSTER_NODES to fewer nodes$/)

  expect(readdirSync(folder.path)).toEqual(['volumes'])
  expect(readFileSync(join(root, 'docker-compose.yml'), 'utf8')).toContain('${CLUSTER_NODES:-')
})
