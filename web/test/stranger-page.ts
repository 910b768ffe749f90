// What the page of another origin tries. Each function runs in that page and knows nothing of this file.

/** Runs in the page of a stranger: the names of what it succeeded with. */
export async function attack(gateway: string): Promise<string[]> {
  const body = JSON.stringify({ content: 'of a stranger' })
  const json = { 'content-type': 'application/json' }
  const read = async (path: string, options: RequestInit): Promise<void> => {
    const response = await fetch(`${gateway}${path}`, { credentials: 'include', ...options })
    await response.text()
    if (response.type === 'opaque') throw new Error('nothing can be read of it')
  }
  const loaded = (element: HTMLImageElement | HTMLScriptElement, path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      element.addEventListener('load', () => resolve())
      element.addEventListener('error', () => reject(new Error('not loaded')))
      element.src = `${gateway}${path}`
      document.body.append(element)
    })
  const streamed = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const source = new EventSource(`${gateway}/api/events`, { withCredentials: true })
      source.addEventListener('open', () => resolve())
      source.addEventListener('error', () => {
        source.close()
        reject(new Error('not opened'))
      })
    })
  const send = '/api/messages/send'
  const attempts: Record<string, () => Promise<void>> = {
    'a read': () => read('/api/nodes', {}),
    'a read without CORS': () => read('/api/nodes', { mode: 'no-cors' }),
    'the session': () => read('/api/session', {}),
    'a post': () => read(send, { method: 'POST', headers: json, body }),
    'a post without CORS': () => read(send, { method: 'POST', mode: 'no-cors', body }),
    'a statement': () =>
      read('/api/query', { method: 'POST', headers: json, body: '{"sql":"SELECT 1"}' }),
    'signing out': () => read('/api/session', { method: 'DELETE' }),
    'an image': () => loaded(new Image(), '/icon.svg'),
    'a script': () => loaded(document.createElement('script'), '/api/nodes'),
    'the stream of events': streamed,
  }
  const succeeded: string[] = []
  for (const [name, attempt] of Object.entries(attempts)) {
    await attempt().then(
      () => succeeded.push(name),
      () => undefined,
    )
  }
  return succeeded
}

/** Runs in the page of a stranger, which it leaves. */
export function postForm({ gateway, type }: { gateway: string; type: string }): void {
  const form = document.createElement('form')
  const input = document.createElement('input')
  input.name = '{"content":"of a stranger","x":"'
  input.value = '"}'
  form.method = 'POST'
  form.enctype = type
  form.action = `${gateway}/api/messages/send`
  form.append(input)
  document.body.append(form)
  form.submit()
}
