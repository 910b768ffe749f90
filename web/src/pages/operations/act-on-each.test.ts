import { expect, test } from '@jest/globals'
import { UnreachedError } from '../../api/errors.ts'
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

test('after the gateway did not answer nothing more is asked of it', async () => {
  const asked: number[] = []

  const ended = await actOnEach([1, 2, 3], (sequence) => {
    asked.push(sequence)
    return sequence === 2 ? Promise.reject(new UnreachedError('it is away')) : Promise.resolve()
  })

  expect(asked).toEqual([1, 2])
  expect(ended).toEqual({ done: [1], refused: [{ sequence: 2, reason: 'it is away' }] })
})
