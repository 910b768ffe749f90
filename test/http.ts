/** A JSON answer of the API. Throws what the API said instead. */
export async function getJson<T>(url: string): Promise<T> {
  return await readJson<T>(await fetch(url, { signal: AbortSignal.timeout(5000) }))
}

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  return await readJson<T>(
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    }),
  )
}

async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`)
  return JSON.parse(text) as T
}
