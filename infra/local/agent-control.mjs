// Asks the supervisor of the local agents: `agent-control.mjs <socket> start|stop|status <part>`. It
// is run for each restart of an agent, so it imports nothing that takes time to load.
import { connect } from 'node:net'

const [, , path = '', action = '', part = ''] = process.argv

/** @param {string} reason */
function fail(reason) {
  process.stderr.write(`${reason}\n`)
  process.exitCode = 1
}

let text = ''
const socket = connect(path)
socket.setEncoding('utf8')
socket.on('error', ({ message }) => fail(`the agents have no supervisor: ${message}`))
socket.on('data', (chunk) => {
  text += chunk
})
socket.on('end', () => {
  if (text === '') return fail('the supervisor of the agents ended before it answered')
  const { said, error } = JSON.parse(text)
  if (error === undefined) process.stdout.write(`${said}\n`)
  else fail(error)
})
socket.write(`${JSON.stringify({ action, part })}\n`)
