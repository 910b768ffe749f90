import { defineTables } from '@corroport/postgres'
import * as experiments from './migrations/2026-11-21-experiments.ts'
import * as facts from './migrations/2026-11-21-facts.ts'
import * as ledgerLives from './migrations/2026-11-22-ledger-lives.ts'

export const { migrate, readState, findProblem } = defineTables({
  migrations: {
    '2026-11-21-1-facts': facts,
    '2026-11-21-2-experiments': experiments,
    '2026-11-22-1-ledger-lives': ledgerLives,
  },
  owner: 'analytics',
  command: 'corroport analytics migrate',
})
