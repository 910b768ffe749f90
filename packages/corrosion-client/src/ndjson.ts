const newline = 0x0a
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Cuts chunks into lines, wherever the chunks are cut; empty lines are left out. */
export interface LineSplitter {
  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): string[]
  /** A last line without a newline, if there is one. */
  end(): string[]
}

/** A line above `maxLineBytes` throws: no agent may fill this process's memory. */
export function createLineSplitter(maxLineBytes: number): LineSplitter {
  let parts: Uint8Array[] = []
  let heldBytes = 0

  const hold = (part: Uint8Array): void => {
    heldBytes += part.length
    if (heldBytes > maxLineBytes) {
      throw new RangeError(`a line of the answer is longer than ${maxLineBytes} bytes`)
    }
    parts.push(part)
  }
  const take = (lines: string[]): void => {
    const [only = new Uint8Array()] = parts
    // A newline never occurs within a multi-byte character, so a whole line always decodes.
    const line = decoder.decode(parts.length > 1 ? Buffer.concat(parts) : only)
    parts = []
    heldBytes = 0
    if (line !== '') lines.push(line)
  }

  return {
    push(chunk) {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        hold(chunk.subarray(start, end))
        take(lines)
        start = end + 1
      }
      if (start < chunk.length) hold(chunk.subarray(start))
      return lines
    },
    end() {
      const lines: string[] = []
      take(lines)
      return lines
    },
  }
}

/** The lines of a body as they arrive. */
export async function* readLines(
  body: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<string, void, undefined> {
  const splitter = createLineSplitter(maxLineBytes)
  for await (const chunk of body) yield* splitter.push(chunk)
  yield* splitter.end()
}
