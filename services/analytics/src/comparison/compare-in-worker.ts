import { parentPort, workerData } from 'node:worker_threads'
import { compare } from './compare.ts'

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- the port of a thread has no origin
parentPort?.postMessage(compare(workerData))
