// A process to be killed: tells events as fast as it can and says how many.
import { openBus, openState, tellReceived } from './harness.ts'

const [url = '', folder = '', count = '0'] = process.argv.slice(2)
const bus = openBus(url)
const state = openState(bus, folder)
for (let index = 1; index <= Number(count); index += 1) {
  tellReceived(state, `m${index}`)
  if (index % 100 === 0) process.stdout.write(`${index}\n`)
  await new Promise((resolve) => setImmediate(resolve))
}
setInterval(() => undefined, 1000)
