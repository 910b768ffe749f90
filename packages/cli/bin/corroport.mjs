#!/usr/bin/env node
// Plain JavaScript: the machine's own Node may be too old for the rest.
import { fileURLToPath } from 'node:url'
import { runInPlace } from '../../../infra/setup/command.mjs'
import { findProjectNode, isRecentNode } from '../../../infra/setup/project-node.mjs'
import { reportFailure } from '../../../infra/setup/setup-error.mjs'

const main = new URL('../src/main.ts', import.meta.url)

try {
  if (isRecentNode()) await import(main.href)
  else
    process.exitCode = await runInPlace(findProjectNode(), [
      fileURLToPath(main),
      ...process.argv.slice(2),
    ])
} catch (error) {
  reportFailure(error)
  process.exitCode = 1
}
