export interface ServerSentEvent {
  type: string
  /** Undefined when only an id was said: nothing happened, but this is the place to resume from. */
  data: string | undefined
  /** The last id that was said, which may have come with an earlier event. */
  id: string | undefined
}

/** Parses `text/event-stream`; chunks may end anywhere, inside a character too. */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let type = ''
  let data: string[] = []
  let id: string | undefined
  let hasId = false

  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    // A CR at the end may be the first half of a CRLF, so it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0 || hasId) {
          yield { type: type || 'message', data: data.length > 0 ? data.join('\n') : undefined, id }
        }
        type = ''
        data = []
        hasId = false
        continue
      }
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (field === 'event') type = value
      else if (field === 'data') data.push(value)
      else if (field === 'id' && !value.includes('\0')) {
        id = value
        hasId = true
      }
    }
  }
}
