import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { cut } from '../test/cut.ts'
import { readLines } from './ndjson.ts'

const text = '{"row":[1,["é 🙂 \\n"]]}\n\n{"row":[2,["漢字"]]}\n{"eoq":{}}\n'
const lines = ['{"row":[1,["é 🙂 \\n"]]}', '{"row":[2,["漢字"]]}', '{"eoq":{}}']
const bytes = new TextEncoder().encode(text)

async function* chunked(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const read = (chunks: Iterable<Uint8Array>, maxLineBytes = 1000) =>
  Array.fromAsync(readLines(chunked(chunks), maxLineBytes))

test('a body gives the same lines wherever it is cut in two', async () => {
  for (let at = 0; at <= bytes.length; at++) {
    expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(lines)
  }
})

test('a body gives the same lines however it is cut', async () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  for (let round = 0; round < 300; round++) {
    const most = 1 + Math.floor(random() * 20)
    expect(await read(cut(bytes, most, random))).toEqual(lines)
  }
})

test('a last line without a newline is a line', async () => {
  expect(await read([new TextEncoder().encode('a\nb')])).toEqual(['a', 'b'])
})

test('a line above the limit ends the reading before it is held whole', async () => {
  const endless = (function* () {
    for (;;) yield new Uint8Array(100).fill(0x61)
  })()

  await expect(read(endless)).rejects.toThrow('longer than 1000 bytes')
})

test('bytes that are not UTF-8 end the reading', async () => {
  await expect(read([Uint8Array.of(0xff, 0x0a)])).rejects.toThrow('not valid')
})
