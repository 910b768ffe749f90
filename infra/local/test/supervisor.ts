// A supervisor to be killed: runs two plain processes in a home, and says their ids.
import { mkdirSync } from 'node:fs'
import { createLayout } from '../src/layout.ts'
import { Part } from '../src/part.ts'
import { openRegister } from '../src/register.ts'
import { plainPart, shape } from './plain-part.ts'

const layout = createLayout(process.argv[2])
mkdirSync(layout.logs, { recursive: true })
const register = await openRegister(layout, 'agents', shape, () => undefined)
const parts = (['willing', 'stubborn'] as const).map(
  (name) => new Part(plainPart(layout, name), { register, say: () => undefined }),
)
for (const part of parts) part.start()
await Promise.all(parts.map((part) => part.ready(AbortSignal.timeout(10_000))))
process.stdout.write(`${parts.map(({ pid }) => pid).join(' ')}\n`)
