// A process whose state file can no longer be written, though there is room.
import { openBus, openState } from './harness.ts'

const [url = '', folder = ''] = process.argv.slice(2)
const { db } = openState(openBus(url), folder)
db.exec('DROP TABLE outbox')
