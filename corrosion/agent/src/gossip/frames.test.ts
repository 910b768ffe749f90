import { expect, test } from '@jest/globals'

import { createFrameSplitter, FrameError, frame } from './frames.ts'

test('frames come out whole, however the bytes come in', () => {
  const payloads = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')]
  const bytes = Buffer.concat(payloads.map(frame))

  for (let step = 1; step <= bytes.length; step++) {
    const splitter = createFrameSplitter(() => 5)
    const seen: Buffer[] = []
    for (let at = 0; at < bytes.length; at += step) {
      seen.push(...splitter.push(bytes.subarray(at, at + step)))
    }
    expect(seen).toEqual(payloads)
  }
})

test('a length above the limit ends it before the bytes are there', () => {
  const splitter = createFrameSplitter(() => 5)

  expect(() => [...splitter.push(Buffer.from([0, 0, 0, 6]))]).toThrow(FrameError)
})
