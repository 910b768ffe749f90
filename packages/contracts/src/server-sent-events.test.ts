import { expect, test } from '@jest/globals'
import { readServerSentEvents, type ServerSentEvent } from './server-sent-events.ts'

async function parse(...chunks: Uint8Array[]): Promise<ServerSentEvent[]> {
  return Array.fromAsync(readServerSentEvents(chunks))
}

const stream = [
  ': heartbeat\n\n',
  'id: 7\nevent: ack.received\ndata: {"a":"ü😀"}\n\n',
  'data: one\r\ndata:two\r\ndata\r\n\r\n',
  'event: nothing\n\n',
  ': alive\nid: 7a\n\n',
  'id: \0\ndata: x:y\n\n',
  'id: 8\ndata: z\n\n',
  'data: not ended',
].join('')

const events = [
  { type: 'ack.received', data: '{"a":"ü😀"}', id: '7' },
  { type: 'message', data: 'one\ntwo\n', id: '7' },
  { type: 'message', data: undefined, id: '7a' },
  { type: 'message', data: 'x:y', id: '7a' },
  { type: 'message', data: 'z', id: '8' },
]

test('events are the same wherever the chunks end', async () => {
  const bytes = new TextEncoder().encode(stream)

  expect(await parse(bytes)).toEqual(events)
  for (let end = 0; end <= bytes.length; end += 1) {
    expect(await parse(bytes.subarray(0, end), bytes.subarray(end))).toEqual(events)
  }
  expect(await parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events)
})
