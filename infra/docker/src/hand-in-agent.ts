import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './project.ts'

// Of the build's context, and ignored by git.
const folder = 'infra/docker/agent/bin'

/** Puts an agent where builds find it. Gives its path within their context, for AGENT_BIN. */
export function handInAgent(path: string): string {
  const name = `${folder}/corrosion-of-tests`
  const draft = join(root, `${name}.${process.pid}`)
  mkdirSync(join(root, folder), { recursive: true })
  // A build of another run may be reading the one that is there.
  copyFileSync(path, draft)
  renameSync(draft, join(root, name))
  return name
}
