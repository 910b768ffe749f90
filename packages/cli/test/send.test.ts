import { expect, test } from '@jest/globals'
import { messageDetail, sendReply } from './answers.ts'
import { corroport } from './corroport.ts'
import { type Answer, problem, startGateway } from './gateway.ts'

const send = 'POST /api/messages/send'
const detail = 'GET /api/messages/node1_01A'

test('acknowledgements are printed as they arrive', async () => {
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: [messageDetail([]), messageDetail(['node3']), messageDetail(['node3', 'node2'])],
  })

  const ended = await corroport(['send', 'hello', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `node1_01A sent by node1 (gossip), waits for node2, node3
  node3 4.25 ms (via updates)
  node2 5.25 ms (via updates, attempt 2)
2 of 2 acknowledged
`,
    stderr: '',
  })
  expect(gateway.asked[0]?.body).toBe('{"content":"hello"}')
  expect(gateway.asked).toHaveLength(4)
})

test('who did not acknowledge in time is named', async () => {
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: messageDetail(['node2']),
  })

  const ended = await corroport(['send', 'hello', '--wait', '0.2', '--url', gateway.url])

  expect(ended).toEqual({
    code: 3,
    stdout: `node1_01A sent by node1 (gossip), waits for node2, node3
  node2 4.25 ms (via updates)
  node3 missing after 0.2 s
1 of 2 acknowledged
`,
    stderr: '',
  })
})

test('without waiting only the key is printed', async () => {
  await using gateway = await startGateway({ [send]: sendReply() })

  const ended = await corroport(['send', 'hello', '--no-wait', '--url', gateway.url])

  expect(ended).toEqual({ code: 0, stdout: 'node1_01A\n', stderr: '' })
})

test('the JSON is the last answer of the gateway', async () => {
  const acknowledged = messageDetail(['node2', 'node3'])
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: [messageDetail([]), acknowledged],
  })
  const environment = { CORROPORT_URL: gateway.url }

  const waited = await corroport(['send', 'hello', '--json'], { environment })
  const sent = await corroport(['send', 'hello', '--json', '--no-wait'], { environment })

  expect(JSON.parse(waited.stdout)).toEqual(acknowledged)
  expect(JSON.parse(sent.stdout)).toEqual(sendReply())
  expect([waited.code, sent.code]).toEqual([0, 0])
})

test('the direct transport has a route of its own', async () => {
  await using gateway = await startGateway({
    'POST /api/messages/send_direct': sendReply({ transport: 'direct', expected: [] }),
    [detail]: messageDetail([], { transport: 'direct', expected: [], missing: [] }),
  })

  const ended = await corroport(['send', 'hello', '--direct', '--url', gateway.url])

  expect(ended).toEqual({
    code: 0,
    stdout: `node1_01A sent by node1 (direct), waits for no other node
0 of 0 acknowledged
`,
    stderr: '',
  })
})

test.each([
  ['two\nlines 😀\n', 'two\nlines 😀'],
  ['\n\n', '\n'],
  ['windows\r\n', 'windows'],
])('standard input %j is sent as %j', async (input, content) => {
  await using gateway = await startGateway({ [send]: sendReply() })

  const ended = await corroport(['send', '--no-wait', '--url', gateway.url], { input })

  expect(ended.code).toBe(0)
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({ content })
})

test.each([
  ['', 'corroport: nothing to send: give a text as an argument or on standard input\n'],
  [Uint8Array.of(0xff), 'corroport: standard input is not UTF-8 text\n'],
  ['x'.repeat(1024 * 1024), 'corroport: standard input is longer than 65536 bytes\n'],
])('standard input that is no message is not sent', async (input, stderr) => {
  await using gateway = await startGateway({ [send]: sendReply() })

  const ended = await corroport(['send', '--url', gateway.url], { input })

  expect(ended).toEqual({ code: 1, stdout: '', stderr })
  expect(gateway.asked).toEqual([])
})

test('a problem document is printed as its detail', async () => {
  await using gateway = await startGateway({ [send]: problem(503, 'the agent\ndoes not answer') })

  const ended = await corroport(['send', 'hello', '--json', '--url', gateway.url])

  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: 'corroport: the agent\\ndoes not answer\n',
  })
})

test('a message that was not written counts as not sent', async () => {
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: messageDetail([], { status: 'failed', reason: 'the row is not there' }),
  })

  const ended = await corroport(['send', 'hello', '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toBe('corroport: node1_01A was not sent: the row is not there\n')
})

test('a gateway that goes away after sending is waited for', async () => {
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: [(response) => response.destroy(), messageDetail(['node2', 'node3'])],
  })

  const ended = await corroport(['send', 'hello', '--url', gateway.url])

  expect(ended.code).toBe(0)
})

test('a gateway that stays away leaves the acknowledgements unknown', async () => {
  await using gateway = await startGateway({
    [send]: sendReply(),
    [detail]: (response) => void response.destroy(),
  })

  const ended = await corroport(['send', 'hello', '--wait', '0.2', '--url', gateway.url])

  expect(ended.code).toBe(3)
  expect(ended.stderr).toBe('corroport: node1_01A was sent; the gateway was away since\n')
})

test.each<[string, Answer]>([
  ['a page', (response) => response.end('<html>')],
  ['another shape', { status: 'success' }],
])('a server that answers with %s is told apart', async (_, answer) => {
  await using gateway = await startGateway({ [send]: answer })

  const ended = await corroport(['send', 'hello', '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain(`corroport: ${gateway.url} is no CorroPort gateway`)
  expect(ended.stderr.split('\n')).toHaveLength(2)
})
