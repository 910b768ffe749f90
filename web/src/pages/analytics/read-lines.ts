/** Longer ones are no records. Characters. */
const mostCharacters = 1_000_000

/** The lines of a text with their numbers, the first being 1; empty ones are left out. */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ text: string; line: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let line = 0
  for await (const chunk of bytes) {
    const parts = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > mostCharacters) throw new Error(`line ${line + parts.length + 1} is too long`)
    for (const text of parts) {
      line += 1
      if (text.trim() !== '') yield { text, line }
    }
  }
  rest += decoder.decode()
  if (rest.trim() !== '') yield { text: rest, line: line + 1 }
}
