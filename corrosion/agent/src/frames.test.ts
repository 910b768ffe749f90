import { expect, test } from '@jest/globals'
import { createFrameSplitter, encodeFrame, FrameError, readFrames } from './frames.ts'

const limit = 5

test('frames come out whole, however the bytes come in', () => {
  const payloads = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')]
  const bytes = Buffer.concat(payloads.map(encodeFrame))

  for (let step = 1; step <= bytes.length; step++) {
    const splitter = createFrameSplitter(() => limit)
    const seen: Buffer[] = []
    for (let at = 0; at < bytes.length; at += step) {
      seen.push(...splitter.push(bytes.subarray(at, at + step)))
    }
    expect(seen).toEqual(payloads)
    expect(splitter.heldBytes).toBe(0)
  }
})

test('a length above the limit ends it before the bytes are there', () => {
  const splitter = createFrameSplitter(() => limit)

  expect(() => [...splitter.push(Buffer.from([0, 0, 0, 6]))]).toThrow(FrameError)
})

test.each(['00', '00000000ff', '0000000522'])('a stream that ends early is refused: %s', (hex) => {
  const stream = (async function* () {
    yield Buffer.from(hex, 'hex')
  })()

  const seen = Array.fromAsync(readFrames(stream, limit))
  return expect(seen).rejects.toThrow('bytes remaining on stream')
})
