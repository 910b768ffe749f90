import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that is removed with everything in it. Its path is short enough for Unix sockets. */
export function createTemporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'corroport-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
