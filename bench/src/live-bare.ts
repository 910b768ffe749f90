// The baseline of `live.ts`: the same frames from NATS to the same pages, and nothing else.
import { createServer, type ServerResponse } from 'node:http'
import { aborted, connectBus } from '@corroport/bus'
import pino from 'pino'

const [natsUrl = ''] = process.argv.slice(2)
const pages = new Set<ServerResponse>()
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' })
  response.write('retry: 1000\n\n')
  pages.add(response)
  response.on('close', () => pages.delete(response))
})
const bus = connectBus({ url: natsUrl, name: 'bench-bare', log: pino({ level: 'silent' }) })
bus.onConnected(async ({ nats }, signal) => {
  nats.subscribe('corro.change.>', {
    callback(_, message) {
      const data = `{"subject":"${message.subject}","payload":${message.string()}}`
      for (const page of pages) page.write(`event: change.observed\nid: 0\ndata: ${data}\n\n`)
    },
  })
  await aborted(signal)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.send?.(address?.port)
})
