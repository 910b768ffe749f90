import { QueryReply, type QueryTable } from '@corroport/contracts'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** A gateway, asked with a token. */
export interface Api {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  get<S extends TSchema>(schema: S, path: string): Promise<Static<S>>
  post<S extends TSchema>(schema: S, path: string, body: unknown): Promise<Static<S>>
  query(
    source: 'corrosion' | 'analytics',
    sql: string,
    params: readonly string[],
  ): Promise<QueryTable['rows']>
}

export function createApi(url: string, token: string): Api {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const ask = async <S extends TSchema>(schema: S, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`)
    return Value.Parse(schema, JSON.parse(text))
  }
  const post = <S extends TSchema>(schema: S, path: string, body: unknown) =>
    ask(schema, path, body)
  return {
    url,
    headers,
    get: (schema, path) => ask(schema, path),
    post,
    async query(source, sql, params) {
      const body = { source, sql, params, max_rows: 10_000, timeout_ms: 10_000 }
      const { results } = await post(QueryReply, '/api/query', body)
      const { table, error } = results[0] ?? {}
      if (!table) throw new Error(error ?? 'no node answered')
      return table.rows
    },
  }
}
