import { afterEach, expect, jest, test } from '@jest/globals'
import { createResolver, lookUp, type Resolved } from './resolver.ts'

const refuse = (address: string): string | undefined =>
  address.startsWith('127.') ? `${address} is loopback` : undefined

afterEach(() => {
  jest.useRealTimers()
})

test.each([
  [['10.0.0.1'], { address: '10.0.0.1' }],
  [['127.0.0.1', '10.0.0.2'], { address: '10.0.0.2' }],
  [['127.0.0.1'], { reason: '127.0.0.1 is loopback', isRefused: true }],
  [[], { reason: 'backend.test has no address', isRefused: true }],
])('a name with the addresses %j is %j', async (addresses, found) => {
  expect(await lookUp('backend.test', refuse, async () => addresses)).toEqual(found)
})

test('a literal address is not looked up', async () => {
  const find = async () => ['10.0.0.9']
  expect(await lookUp('10.0.0.1', refuse, find)).toEqual({ address: '10.0.0.1' })
  expect(await lookUp('127.0.0.1', refuse, find)).toMatchObject({ isRefused: true })
})

test('localhost resolves to loopback, however it is looked up', async () => {
  expect(
    await lookUp('localhost', (address) => (/^(127|::1)/.test(address) ? 'no' : undefined)),
  ).toEqual({
    reason: 'no',
    isRefused: true,
  })
})

async function changes(
  work: (resolver: ReturnType<typeof createResolver>) => void,
  answers: (() => readonly string[])[],
) {
  jest.useFakeTimers()
  const seen: (Resolved | 'pending')[] = []
  using resolver = createResolver({
    everyMs: 1000,
    refuse,
    onChange: () => seen.push(resolver.resolve('backend.test')),
    find: async () => {
      const answer = answers.shift()
      if (!answer) throw new Error('asked once more')
      return answer()
    },
  })
  work(resolver)
  const rounds = answers.length
  for (let round = 0; round < rounds; round += 1) await jest.advanceTimersByTimeAsync(1000)
  return { seen, last: resolver.resolve('backend.test') }
}

test('a name is known a moment after it was asked for, and told when its address changes', async () => {
  const { seen } = await changes(
    (resolver) => expect(resolver.resolve('backend.test')).toBe('pending'),
    [() => ['10.0.0.1'], () => ['10.0.0.1'], () => ['10.0.0.2']],
  )
  expect(seen).toEqual([{ address: '10.0.0.1' }, { address: '10.0.0.2' }])
})

test('an address stays while its name cannot be looked up, and goes when it becomes one that is refused', async () => {
  const { seen } = await changes(
    (resolver) => resolver.resolve('backend.test'),
    [
      () => ['10.0.0.1'],
      () => {
        throw Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' })
      },
      () => ['127.0.0.1'],
    ],
  )
  expect(seen).toEqual([
    { address: '10.0.0.1' },
    { reason: '127.0.0.1 is loopback', isRefused: true },
  ])
})
