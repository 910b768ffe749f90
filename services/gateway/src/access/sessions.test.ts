import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { openSessions } from './sessions.ts'
import { accessMigration } from './token-store.ts'

function sessionsAt(clock: { now: number }) {
  const db = new DatabaseSync(':memory:')
  db.exec(accessMigration)
  const count = () => Number(db.prepare('SELECT count(*) AS count FROM session').get()?.count)
  const sessions = openSessions(
    { db, transaction: (work) => work(() => undefined) },
    () => clock.now,
  )
  return { sessions, count, dump: () => JSON.stringify(db.prepare('SELECT * FROM session').all()) }
}

test('a session is found until it is over or ended, and its value is kept nowhere', () => {
  const clock = { now: 0 }
  const { sessions, dump } = sessionsAt(clock)
  const value = sessions.open({ tokenId: 'A', expiresAt: 100 })
  const other = sessions.open({ tokenId: 'A', expiresAt: 100 })

  expect(sessions.find(value)).toEqual({ tokenId: 'A', expiresAt: 100 })
  expect(sessions.find('made up')).toBeUndefined()
  expect(dump()).not.toContain(value)

  sessions.end(other)
  expect(sessions.find(other)).toBeUndefined()
  clock.now = 100
  expect(sessions.find(value)).toBeUndefined()
})

test('a token has 50 sessions and all have 1000: the oldest go, and those that are over', () => {
  const clock = { now: 0 }
  const { sessions, count } = sessionsAt(clock)
  const open = (tokenId: string) => {
    clock.now += 1
    return sessions.open({ tokenId, expiresAt: 10_000 })
  }
  const first = open('A')
  const ofB = open('B')
  for (let opened = 0; opened < 50; opened += 1) open('A')

  expect(sessions.find(first)).toBeUndefined()
  expect(sessions.find(ofB)).toBeDefined()

  for (let opened = 0; opened < 1000; opened += 1) open(`token ${opened % 30}`)
  expect(count()).toBe(1000)
  expect(sessions.find(ofB)).toBeUndefined()

  clock.now = 10_000
  sessions.open({ tokenId: 'A', expiresAt: 20_000 })
  expect(count()).toBe(1)
})
