import { type NatsAccess, openTokenBucket, recordToken } from '@corroport/bus'

/** Makes the cluster know its first token, unless it does. False where it did. */
export async function putFirstToken(access: NatsAccess, token: string): Promise<boolean> {
  const record = recordToken(token, { name: 'admin', role: 'admin', expiresAt: null })
  await using bucket = await openTokenBucket(access)
  // One that was revoked stays revoked.
  if (await bucket.find(record.id)) return false
  await bucket.add(record)
  return true
}
