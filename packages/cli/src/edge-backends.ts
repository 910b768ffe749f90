import type { EdgeBackend } from '@corroport/contracts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

export function showBackends(backends: readonly EdgeBackend[], terminal: Terminal): void {
  printTable(
    ['BACKEND', 'APP', 'REGION', 'ADDRESS', 'WEIGHT', 'OPEN', 'LIMITS', 'OWNER', 'LEASE', 'STATE'],
    backends.map((backend) => [
      backend.id,
      backend.app,
      backend.country === null ? backend.region : `${backend.region}/${backend.country}`,
      `${backend.ip}:${backend.port}`,
      String(backend.weight),
      String(backend.connections),
      `${backend.soft_limit}/${backend.hard_limit === 0 ? '∞' : backend.hard_limit}`,
      backend.owner ?? 'operator',
      backend.lease_secs === null ? '-' : `${backend.lease_secs} s`,
      stateOf(backend),
    ]),
    terminal,
  )
}

function stateOf({ refusal }: EdgeBackend): Part {
  return refusal === null ? { text: 'routing', style: 'green' } : { text: refusal, style: 'yellow' }
}
