import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CorrosionConnectionError, createCorrosionClient } from '@corroport/corrosion-client'
import { seededRandom, startCorrosionAgent, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'

// Ten kills in a usual run; a hundred take two minutes: CORROPORT_KILLS=100.
const kills = Number(process.env.CORROPORT_KILLS ?? 10)
const binary = join(import.meta.dirname, '../bin/corrosion')

test(
  `after ${kills} kills at random moments nothing that was answered is lost, and both agents agree`,
  async () => {
    const seed = Number(process.env.CORROPORT_SEED ?? Date.now() % 1_000_000)
    console.info(`seed of the random moments: CORROPORT_SEED=${seed}`)
    const random = seededRandom(seed)
    await using killed = await startCorrosionAgent({ binary })
    await using other = await startCorrosionAgent({ binary, bootstrap: [killed.gossipAddr] })
    await using client = createCorrosionClient({ url: killed.url })
    await using otherClient = createCorrosionClient({ url: other.url })
    const answered: string[] = []
    let next = 0

    for (let round = 0; round < kills; round++) {
      const isKilled = Promise.withResolvers<void>()
      setTimeout(() => isKilled.resolve(killed.kill('SIGKILL')), random() * 400)
      const write = async (): Promise<void> => {
        for (;;) {
          const ids = Array.from({ length: 1 + Math.floor(random() * 20) }, () => `row-${next++}`)
          const statements = ids.map((id): [string, string[]] => [
            'INSERT INTO node_messages (pk, message) VALUES (?, ?)',
            [id, id],
          ])
          try {
            await client.transact(statements)
          } catch (error) {
            // Whether it was committed is not known; that it was whole or not at all is looked at below.
            if (error instanceof CorrosionConnectionError) return
            throw error
          }
          answered.push(...ids)
        }
      }
      await Promise.all([isKilled.promise, write(), write()])
      using database = new DatabaseSync(join(killed.folder, 'corrosion.db'), { readOnly: true })
      expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
      database.close()
      await killed.start()
    }

    const idsOf = async (of: typeof client): Promise<string[]> =>
      (await of.query('SELECT pk FROM node_messages ORDER BY pk')).rows.map(([pk]) => String(pk))
    await until(
      async () => JSON.stringify(await idsOf(client)) === JSON.stringify(await idsOf(otherClient)),
    )
    const kept = new Set(await idsOf(client))
    expect(answered.filter((id) => !kept.has(id))).toEqual([])
    expect(answered.length).toBeGreaterThan(kills)
  },
  60_000 + kills * 3000,
)
