import { messageOf } from '@corroport/bus'
import { parseNodes } from '@corroport/deploy/src/node-names.ts'
import { prepare } from './prepare.ts'

try {
  const nodeIds = parseNodes(process.env.CLUSTER_NODES ?? '3')
  const changed = prepare({ secrets: '/secrets', volumes: '/volumes' }, nodeIds)
  process.stdout.write(`${changed.length === 0 ? 'nothing to do' : changed.join('\n')}\n`)
} catch (error) {
  process.stderr.write(`prepare: ${messageOf(error)}\n`)
  process.exitCode = 1
}
