import { Type } from 'typebox'
import { Refusal } from '../refusal.ts'
import { createKey, listKeys, revokeKey } from '../store/keys.ts'
import { createId, createToken, hashOf } from '../tokens.ts'
import type { App, AppDeps } from './app.ts'
import { WithId } from './ids.ts'

const NewKey = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }),
  role: Type.Enum(['admin', 'submitter']),
})

const prefix = '/api/v2/keys'

/** Keys of other submitters and administrators. One is shown when it is made, and never again. */
export function keyRoutes(app: App, { pool, may }: AppDeps): void {
  app.get(prefix, may.admin, async () => {
    return { keys: await listKeys(pool) }
  })

  app.post('/api/v2/keys', { ...may.admin, schema: { body: NewKey } }, async (request, reply) => {
    const { name, role } = request.body
    const id = createId()
    const key = createToken()
    await createKey(pool, { id, name, role, hash: hashOf(key) })
    reply.code(201)
    return { id, name, role, key }
  })

  app.delete(
    `${prefix}/:id`,
    { ...may.admin, schema: { params: WithId } },
    async ({ params: { id } }) => {
      if (!(await revokeKey(pool, id))) throw new Refusal(404, 'Key not found')
      return { success: true }
    },
  )
}
