import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder, startNatsServer } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { reception, timestamp } from './answers.ts'
import { corroport } from './corroport.ts'
import { problem, startGateway } from './gateway.ts'

const token = `cpt_7Q3M8VX2KD_${'a'.repeat(43)}`

test('a token is printed once, listed without its secret, and revoked only when meant', async () => {
  await using nats = await startNatsServer()
  const environment = { NATS_URL: nats.url }
  const run = (...args: string[]) => corroport(['token', ...args], { environment })

  const created = await run('create', '--name', 'anna', '--role', 'admin', '--expires', '90d')

  expect(created.code).toBe(0)
  expect(created.stdout).toMatch(/^cpt_[0-9A-HJKMNP-TV-Z]{10}_[\w-]{43}\n$/)
  const id = created.stdout.slice(4, 14)
  expect(created.stderr).toContain(`token ${id} of anna: admin, until `)

  const listed = await run('list')
  expect(listed.stdout).toContain(id)
  const json = await run('list', '--json')
  expect(JSON.parse(json.stdout).tokens).toMatchObject([
    { id, name: 'anna', role: 'admin', revoked_at: null },
  ])
  for (const { stdout } of [listed, json]) expect(stdout).not.toMatch(/sha256|[\w-]{43}/)

  expect(await run('revoke', id)).toMatchObject({
    code: 2,
    stderr: 'corroport: nobody can be asked here: add --yes\n',
  })
  expect((await run('revoke', id, '--yes')).stdout).toContain(`token ${id} of anna: revoked `)
  expect(await run('revoke', '0000000000', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no access token 0000000000'),
  })
})

test.each([
  [['create', '--name', 'anna', '--role', 'root'], 'Allowed choices are viewer, operator, admin'],
  [['create', '--role', 'admin'], "required option '--name <name>' not specified"],
  [['create', '--name', 'a', '--role', 'admin', '--expires', 'soon'], 'Give a time such as 90d'],
  [['revoke', token, '--yes'], 'not the token itself'],
])('token %j is a wrong use', async (args, message) => {
  const { code, stderr } = await corroport(['token', ...args])

  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

const reply = { receptions: [reception()], count: 1, total: 1, node_id: 'node1', timestamp }

test('the token of the environment is sent, by a redirect to nobody', async () => {
  using folder = createTemporaryFolder()
  const file = join(folder.path, 'token')
  writeFileSync(file, `${token}\n`)
  await using other = await startGateway({ 'GET /api/receptions': reply })
  await using gateway = await startGateway({ 'GET /api/receptions': reply })
  await using redirecting = await startGateway({
    'GET /api/receptions': (response) =>
      void response.writeHead(307, { location: `${other.url}/api/receptions` }).end(),
  })
  const ask = (url: string, environment: Record<string, string>) =>
    corroport(['receptions', '--url', url], { environment })

  expect((await ask(gateway.url, { CORROPORT_TOKEN: token })).code).toBe(0)
  expect((await ask(gateway.url, { CORROPORT_TOKEN_FILE: file })).code).toBe(0)
  expect((await ask(gateway.url, {})).code).toBe(0)
  expect(gateway.asked.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${token}`,
    `Bearer ${token}`,
    undefined,
  ])
  expect((await ask(redirecting.url, { CORROPORT_TOKEN: token })).code).toBe(1)
  expect(other.asked).toEqual([])
})

test('a refusal says what to do, and no message has the token', async () => {
  await using gateway = await startGateway({
    'GET /api/receptions': problem(401, 'a token is wanted'),
  })
  const ask = (environment: Record<string, string>) =>
    corroport(['receptions', '--url', gateway.url], { environment })

  expect((await ask({})).stderr).toBe(
    'corroport: a token is wanted; set CORROPORT_TOKEN or CORROPORT_TOKEN_FILE\n',
  )
  for (const [environment, message] of [
    [{ CORROPORT_TOKEN: token }, 'was sent'],
    [{ CORROPORT_TOKEN: `${token}x` }, 'CORROPORT_TOKEN holds no access token'],
    [{ CORROPORT_TOKEN: token, CORROPORT_TOKEN_FILE: 'x' }, 'keep one'],
    [{ CORROPORT_TOKEN_FILE: '/nowhere' }, 'cannot be read'],
  ] as const) {
    const { stdout, stderr } = await ask(environment)
    expect(stderr).toContain(message)
    expect(stdout + stderr).not.toContain('a'.repeat(43))
  }
})
