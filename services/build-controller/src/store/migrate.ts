import { defineTables } from '@corroport/postgres'
import * as queue from './migrations/2026-11-23-queue.ts'

export const { migrate, readState, findProblem } = defineTables({
  migrations: { '2026-11-23-1-queue': queue },
  schema: 'builds',
  owner: 'the build controller',
  command: 'corroport builds migrate',
})
