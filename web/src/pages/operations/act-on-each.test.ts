import { expect, test } from '@jest/globals'
import { actOnEach } from './act-on-each.ts'

test('the oldest comes first, and what is refused stops nothing else', async () => {
  const asked: number[] = []

  const ended = await actOnEach([30, 9, 20], (sequence) => {
    asked.push(sequence)
    return sequence === 20 ? Promise.reject(new Error('it is not whole')) : Promise.resolve()
  })

  expect(asked).toEqual([9, 20, 30])
  expect(ended).toEqual({ done: [9, 30], refused: [{ sequence: 20, reason: 'it is not whole' }] })
})
