import { expect, test } from '@jest/globals'
import { type AgentConfig } from '../config/agent-config.ts'
import { unbent } from '../gossip/lab.ts'
import { describeStartFailure } from './start-failure.ts'

const config: AgentConfig = {
  path: 'node1.toml',
  db: { path: 'data/corrosion.db', schemaPaths: [], subscriptionsPath: 'data/subscriptions' },
  api: { addresses: [{ host: '127.0.0.1', port: 8081 }] },
  gossip: { address: { host: '::1', port: 8787 }, bootstrap: [] },
  admin: { path: 'admin.sock' },
  lab: unbent,
  log: { format: 'plaintext' },
  unused: [],
  unknown: [],
}

function systemError(code: string, address: string, port: number): Error {
  return Object.assign(new Error(`listen ${code}: ${address}:${port}`), { code, address, port })
}

test.each([
  [
    systemError('EADDRINUSE', '127.0.0.1', 8081),
    '127.0.0.1:8081 (api.addr) is in use: end what listens there, or set another port in node1.toml',
  ],
  [
    new Error('cannot open the gossip port', { cause: systemError('EADDRINUSE', '::1', 8787) }),
    '[::1]:8787 (gossip.addr) is in use: end what listens there, or set another port in node1.toml',
  ],
  [
    systemError('EADDRNOTAVAIL', '127.0.0.1', 8081),
    '127.0.0.1:8081 (api.addr) is no address of this machine: set one of its own in node1.toml',
  ],
  [
    new Error('cannot open data/corrosion.db', { cause: new Error('database or disk is full') }),
    'no space is left for data/corrosion.db (db.path): cannot open data/corrosion.db: database or disk is full',
  ],
  [
    new Error('data/corrosion.db is held by another agent (process 7); end it first'),
    'data/corrosion.db is held by another agent (process 7); end it first',
  ],
])('a failure to start names what is in the way: %s', (error, line) => {
  expect(describeStartFailure(error, config)).toBe(line)
})
