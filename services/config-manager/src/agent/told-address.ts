import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentControlSettings } from './agent-settings.ts'

/**
 * The gossip address that the loop of the agent's container has it tell others, whatever its file
 * says: a container learns its own only when it starts. Null where there is no such loop.
 */
export function readToldAddress(control: AgentControlSettings): string | null {
  if (control.kind !== 'pipe') return null
  try {
    return readFileSync(join(control.controlDir, 'address'), 'utf8').trim() || null
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
