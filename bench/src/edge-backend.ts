// A backend of `edge.ts`: keeps what connects, and answers nobody until it is asked.
import { createServer } from 'node:net'

const [port = '0'] = process.argv.slice(2)
const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
})
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => console.log('{}'))
