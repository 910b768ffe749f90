import { createHash, randomBytes } from 'node:crypto'
import type { StateFile } from '@corroport/bus'
import { createParser } from '@corroport/contracts'
import { Type } from 'typebox'

/** A browser that signed in with a token. Times are of this node's clock, in microseconds. */
export interface Session {
  tokenId: string
  expiresAt: number
}

/** Sessions outlive a restart of the gateway. Only a hash of what the cookie holds is kept. */
export interface Sessions {
  open(session: Session): string
  find(value: string): Session | undefined
  end(value: string): void
}

// Bounded for each token too, so that one that leaked cannot end the sessions of the others.
const maxSessions = 1000
const maxSessionsOfToken = 50

const parseRow = createParser(
  'stored session',
  Type.Object({ token_id: Type.String(), expires_at: Type.Integer() }),
)

export function openSessions(
  { db, transaction }: Pick<StateFile, 'db' | 'transaction'>,
  now: () => number,
): Sessions {
  const insert = db.prepare('INSERT INTO session VALUES (?, ?, ?, ?)')
  const select = db.prepare(
    'SELECT token_id, expires_at FROM session WHERE sha256 = ? AND expires_at > ?',
  )
  const remove = db.prepare('DELETE FROM session WHERE sha256 = ?')
  const removeOver = db.prepare('DELETE FROM session WHERE expires_at <= ?')
  const removeOldest = db.prepare(
    `DELETE FROM session WHERE sha256 IN (
       SELECT sha256 FROM session WHERE ?1 IS NULL OR token_id = ?1
       ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?2)`,
  )
  return {
    open({ tokenId, expiresAt }) {
      const value = randomBytes(32).toString('base64url')
      transaction(() => {
        removeOver.run(now())
        insert.run(hashOf(value), tokenId, now(), expiresAt)
        removeOldest.run(tokenId, maxSessionsOfToken)
        removeOldest.run(null, maxSessions)
      })
      return value
    },
    find(value) {
      const row = select.get(hashOf(value), now())
      if (row === undefined) return undefined
      const { token_id: tokenId, expires_at: expiresAt } = parseRow(row)
      return { tokenId, expiresAt }
    },
    end: (value) => void remove.run(hashOf(value)),
  }
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}
