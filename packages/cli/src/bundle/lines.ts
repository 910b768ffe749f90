/** Longest line that is read; a record of 300 receivers has 20 kB. */
const maxLineBytes = 1_000_000

/** The lines of UTF-8 text; chunks may end anywhere. Throws where one has no end in sight. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
    if (rest.length > maxLineBytes) throw new Error(`a line is longer than ${maxLineBytes} bytes`)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
