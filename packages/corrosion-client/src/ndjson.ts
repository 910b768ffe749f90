const newline = 0x0a

/**
 * The lines of a body, wherever its chunks are cut; empty lines are left out. A last line without a
 * newline counts. A line above `maxLineBytes` throws: no agent may fill this process's memory.
 */
export async function* readLines(
  body: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let parts: Uint8Array[] = []
  let heldBytes = 0

  const take = (last: Uint8Array): string => {
    if (heldBytes + last.length > maxLineBytes) {
      throw new RangeError(`a line of the answer is longer than ${maxLineBytes} bytes`)
    }
    // A newline never occurs within a multi-byte character, so a whole line always decodes.
    const line = decoder.decode(parts.length === 0 ? last : Buffer.concat([...parts, last]))
    parts = []
    heldBytes = 0
    return line
  }

  for await (const chunk of body) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = take(chunk.subarray(start, end))
      if (line !== '') yield line
      start = end + 1
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start))
      heldBytes += chunk.length - start
      if (heldBytes > maxLineBytes) take(new Uint8Array())
    }
  }
  const rest = take(new Uint8Array())
  if (rest !== '') yield rest
}
