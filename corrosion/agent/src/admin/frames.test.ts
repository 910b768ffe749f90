import { describe, expect, test } from '@jest/globals'
import { encodeFrame, readFrames } from './frames.ts'

async function textsOf(chunks: readonly Buffer[]): Promise<string[]> {
  const frames = await Array.fromAsync(readFrames(asStream(chunks), 100))
  return frames.map(String)
}

async function* asStream(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

describe('frames', () => {
  const both = Buffer.concat([encodeFrame('"Pïng"'), encodeFrame(''), encodeFrame('{}')])

  test('are found however the bytes come', async () => {
    const bytes = Array.from(both, (byte) => Buffer.from([byte]))

    expect(await textsOf([both])).toEqual(['"Pïng"', '', '{}'])
    expect(await textsOf(bytes)).toEqual(['"Pïng"', '', '{}'])
  })

  test('that are too long are refused by their length alone', async () => {
    await expect(textsOf([Buffer.from('00000065', 'hex')])).rejects.toThrow('frame size too big')
  })

  test.each(['00', '00000000ff', '0000000522'])('that end early are refused: %s', async (hex) => {
    await expect(textsOf([Buffer.from(hex, 'hex')])).rejects.toThrow('bytes remaining on stream')
  })
})
