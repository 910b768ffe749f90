import type { CorrosionClient } from './client.ts'
import { scanVersions } from './row-reader.ts'
import type { Shadow } from './shadow.ts'
import type { TableSchema } from './table-schema.ts'
import { parseKeyText, type SqliteValue } from './values.ts'

export interface Difference {
  key: SqliteValue[]
  keyText: string
}

const pageSize = 500
const pageTimeoutMs = 30_000

/**
 * Compares a whole table with the shadow, page by page: rows that the shadow does not hold in this
 * version, then keys that only the shadow holds. Returns the number of rows.
 */
export async function* compareTable(
  client: CorrosionClient,
  schema: TableSchema,
  shadow: Shadow,
  signal: AbortSignal,
): AsyncGenerator<Difference[], number, undefined> {
  const seen = new Set<string>()
  const options = { signal, timeoutMs: pageTimeoutMs }
  for await (const page of scanVersions(client, schema, pageSize, options)) {
    for (const { keyText } of page) seen.add(keyText)
    yield page.filter(({ keyText, version }) => differs(shadow, keyText, version))
  }
  let after: string | undefined
  for (;;) {
    const held = shadow.liveKeys(after, pageSize)
    yield held
      .filter((keyText) => !seen.has(keyText))
      .map((keyText) => ({ key: parseKeyText(keyText), keyText }))
    after = held.at(-1)
    if (held.length < pageSize) return seen.size
  }
}

function differs(shadow: Shadow, keyText: string, version: string): boolean {
  const held = shadow.versionOf(keyText)
  return held === undefined || held.deleted || held.version !== version
}
