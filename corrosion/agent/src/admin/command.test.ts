import { describe, expect, test } from '@jest/globals'
import { readCommand } from './command.ts'

const top = '`Ping`, `Sync`, `Cluster`, `Actor`, `Subs`, `Log`, `Reload`'

// As a real agent answers them; its lists of variants are those of v1.0.0.
const refused: [request: string, message: string][] = [
  ['"Nope"', `unknown variant \`Nope\`, expected one of ${top} at line 1 column 6`],
  ['{"Nope":1}', `unknown variant \`Nope\`, expected one of ${top} at line 1 column 7`],
  ['{"Nope":{"a":', `unknown variant \`Nope\`, expected one of ${top} at line 1 column 7`],
  [
    '{"Sync":"Nope"}',
    'unknown variant `Nope`, expected one of `Generate`, `ReconcileGaps`, `CheckBookieConsistency` at line 1 column 14',
  ],
  ['{"Log":"x"}', 'unknown variant `x`, expected `Set` or `Reset` at line 1 column 10'],
  ['{"Sync":{"Generate":1}}', 'invalid type: integer `1`, expected unit at line 1 column 22'],
  ['"Sync"', 'invalid type: unit variant, expected newtype variant'],
  ['{"Subs":"Info"}', 'invalid type: unit variant, expected struct variant'],
  ['{"Ping":1}', 'invalid type: integer `1`, expected unit at line 1 column 10'],
  ['{"Ping":null,"a":1}', 'expected value at line 1 column 13'],
  ['[1]', 'expected value at line 1 column 1'],
  ['{}', 'expected value at line 1 column 2'],
  ['', 'EOF while parsing a value at line 1 column 0'],
  ['\n "Ping"\n x', 'trailing characters at line 3 column 2'],
  ['"Pi', 'EOF while parsing a string at line 1 column 3'],
  ['{"Sync"', 'EOF while parsing an object at line 1 column 7'],
  ['{"Sync":', 'EOF while parsing a value at line 1 column 8'],
  ['{"Sync" "Generate"}', 'expected `:` at line 1 column 9'],
  ['{"Sync":"Generate"', 'EOF while parsing an object at line 1 column 18'],
  ['{1:2}', 'invalid type: integer `1`, expected variant identifier at line 1 column 3'],
  [
    '{"Subs":{"Info":5}}',
    'invalid type: integer `5`, expected struct variant SubsCommand::Info at line 1 column 18',
  ],
  [
    '{"Subs":{"Info":{"hash":5,"id":null}}}',
    'invalid type: integer `5`, expected a string at line 1 column 26',
  ],
  [
    '{"Subs":{"Info":{"hash":"a","hash":"b","id":null}}}',
    'duplicate field `hash` at line 1 column 35',
  ],
  [
    '{"Subs":{"Info":{"hash":null,"id":"x"}}}',
    'UUID parsing failed: invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `x` at 1 at line 1 column 37',
  ],
  [
    '{"Cluster":{"SetId":70000}}',
    'invalid value: integer `70000`, expected u16 at line 1 column 26',
  ],
  ['{"Cluster":{"SetId":"x"}}', 'invalid type: string "x", expected u16 at line 1 column 23'],
  ['{"Cluster":{"SetId":-1}}', 'invalid value: integer `-1`, expected u16 at line 1 column 23'],
  [
    '{"Cluster":{"SetId":1.5}}',
    'invalid type: floating point `1.5`, expected u16 at line 1 column 24',
  ],
  ['{"Log":{"Set":{}}}', 'missing field `filter` at line 1 column 16'],
  ['{"Log":{"Set":{"filter":"a",}}}', 'trailing comma at line 1 column 29'],
  ['{"Log":{"Set":{"filter":"a" "b"}}}', 'expected `,` or `}` at line 1 column 29'],
]

const accepted = [
  ' "Ping" ',
  '{"Ping":null}',
  '"Pi\\u006eg"',
  '{"Sync":{"Generate":null}}',
  '{"Cluster":{"SetId":65535}}',
  '{"Subs":{"Info":{}}}',
  '{"Subs":{"Info":{"x":[{"y":"}"},2e9],"hash":"a"}}}',
  '{"Actor":{"Version":{"version":1,"actor_id":"9FF55279d3a345ed91c19678caa444f3"}}}',
  '{"Lab":"Show"}',
  '{"Lab":{"Set":{"peer":null,"delay_ms":1.5}}}',
]

describe('a request of the admin socket', () => {
  test.each(refused)('%j is refused with the message of serde', (request, message) => {
    expect(() => readCommand(Buffer.from(request))).toThrow(
      expect.objectContaining({ name: 'DecodeError', message }),
    )
  })

  test.each(accepted)('%j is understood', (request) => {
    expect(readCommand(Buffer.from(request))).toBeInstanceOf(Function)
  })

  test('bytes that are no UTF-8 are refused', () => {
    expect(() => readCommand(Buffer.from('ff50696e6722', 'hex'))).toThrow('expected value')
  })

  test('a thousand levels in an unknown field are passed over', () => {
    const deep = `${'['.repeat(1000)}${']'.repeat(1000)}`

    expect(readCommand(Buffer.from(`{"Subs":{"Info":{"x":${deep}}}}`))).toBeInstanceOf(Function)
  })
})
