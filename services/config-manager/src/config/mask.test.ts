import { expect, test } from '@jest/globals'
import { parse } from 'smol-toml'
import { diffFiles } from './diff.ts'
import { maskText, maskValue } from './mask.ts'

const file = `# bearer-token = "old-s3cret"
# size = 1 # "token": "s3cret"
[api]
authz = { bearer-token = "s3cret" } # not to be seen
[gossip]
secret = 's3cret'
tls = { cert_file = "/etc/c.pem", key_file = "/etc/k.pem" }
[[api.pg]]
password = """
s3cret"""
[telemetry.open-telemetry.exporter]
endpoint = "https://user:s3cret@collector:4317"
[authorization]
names = ["s3cret", "s3cret"]
code = 5_3
`

test('secrets are hidden, in texts, values, lists and comments; paths of files are not', () => {
  const masked = maskText(file)

  expect(masked).not.toContain('s3cret')
  expect(masked).not.toContain('5_3')
  expect(masked).toContain('authz = { bearer-token = "***" } # not to be seen')
  expect(masked).toContain('key_file = "/etc/k.pem"')
  expect(masked).toContain('names = ["***", "***"]')
  expect(() => parse(masked)).not.toThrow()
  expect(JSON.stringify(maskValue(parse(file)))).not.toContain('s3cret')
  expect(maskValue(parse(file))).toMatchObject({
    api: { authz: { 'bearer-token': '***' } },
    gossip: { tls: { key_file: '/etc/k.pem' } },
    authorization: { names: ['***', '***'], code: '***' },
  })
})

test('a new secret can be told from the old one', () => {
  const diff = diffFiles('node1.toml', file, file.replace('"s3cret" }', '"other" }'))

  expect(diff).toContain('-authz = { bearer-token = "***" }')
  expect(diff).toContain('+authz = { bearer-token = "*** (new)" }')
  expect(diff).not.toContain('s3cret')
  expect(diff).not.toContain('other')
})

test('equal texts have no difference, and what is no TOML is not shown', () => {
  expect(diffFiles('a', file, file)).toBe('')
  expect(diffFiles('a', 'token = "s3cret', 'a = 1\n')).toBe(
    `--- a\tbefore\n+++ a\tafter\n@@ -1,1 +1,1 @@\n-# This is no TOML, so it is not shown.\n+a = 1\n`,
  )
})

test('numbers, dates and large integers are values of JSON', () => {
  const value = maskValue(
    parse('a = 1.5\nb = 2026-01-15\nc = 9007199254740993', { integersAsBigInt: 'asNeeded' }),
  )

  expect(value).toEqual({ a: 1.5, b: expect.stringContaining('2026-01-15'), c: '9007199254740993' })
})
