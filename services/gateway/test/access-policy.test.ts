import { expect, test } from '@jest/globals'
import { createLimits } from '../src/access/limits.ts'
import { requirePolicies } from '../src/access/policy.ts'
import { createBareApp } from './harness.ts'

test('a route that does not say who may ask it stops the start', () => {
  const app = createBareApp()
  requirePolicies(app)

  app.get('/api/told', { config: { access: 'viewer' } }, () => 'told')
  expect(() => app.get('/api/forgotten', () => 'forgotten')).toThrow(
    'GET /api/forgotten does not say who may ask it',
  )
})

test('a token that asks too often waits, and others do not wait for it', async () => {
  await using app = createBareApp()
  const limits = await createLimits(app)
  app.addHook('onRequest', async (request) => {
    const tokenId = String(request.headers['x-token'])
    request.principal = {
      name: 'anna',
      role: 'viewer',
      expiresAt: null,
      tokenId,
      isStillGood: () => true,
    }
    await limits.countRequest(request)
  })
  app.get('/', () => 'answer')
  const ask = (token: string) => app.inject({ url: '/', headers: { 'x-token': token } })

  for (let asked = 0; asked < 6000; asked += 1) await ask('A')
  const refused = await ask('A')

  expect(refused.statusCode).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask('B')).statusCode).toBe(200)
})
