import { parentPort, workerData } from 'node:worker_threads'
import { compare } from './compare.ts'

// The port of a thread has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(compare(workerData))
