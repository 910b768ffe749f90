import { EnvironmentError, readEnvironment } from '@corroport/service'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { agentControlVariables, toAgentControlSettings } from './agent-settings.ts'

const read = (variables: Record<string, string>) =>
  toAgentControlSettings(readEnvironment(Type.Object(agentControlVariables), variables))

const command = '["systemctl","{action}","agent"]'

test('nothing is controlled unless it is said how', () => {
  expect(read({})).toMatchObject({ kind: 'none', stopTimeoutMs: 20_000, startTimeoutMs: 60_000 })
})

test('a command is a list of arguments, and hears nothing of the environment but what it needs', () => {
  expect(
    read({ AGENT_CONTROL: 'command', AGENT_COMMAND: command, PATH: '/bin', NATS_PASSWORD: 'x' }),
  ).toMatchObject({
    command: ['systemctl', '{action}', 'agent'],
    environment: { PATH: '/bin' },
  })
})

test.each<[Record<string, string>, string]>([
  [{ AGENT_CONTROL: 'systemd' }, 'AGENT_CONTROL'],
  [{ AGENT_CONTROL: 'command' }, 'AGENT_COMMAND is missing'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: 'systemctl restart x' }, 'AGENT_COMMAND is no JSON'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: '[]' }, 'AGENT_COMMAND is no list of texts'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: '"x"' }, 'AGENT_COMMAND is no list of texts'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: '["x", 1]' }, 'AGENT_COMMAND is no list of texts'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: '["", "x"]' }, 'AGENT_COMMAND is no list of texts'],
  [{ AGENT_CONTROL: 'command', AGENT_COMMAND: '["x"]' }, 'AGENT_COMMAND has no {action}'],
  [{ AGENT_COMMAND: command }, 'AGENT_COMMAND has no use with AGENT_CONTROL=none'],
  [{ AGENT_CONTROL: 'signal' }, 'AGENT_PID_FILE is missing'],
  [{ AGENT_CONTROL: 'pipe' }, 'AGENT_CONTROL_DIR is missing'],
  [
    { AGENT_CONTROL: 'pipe', AGENT_CONTROL_DIR: '/run/agent', AGENT_COMMAND: command },
    'AGENT_COMMAND has no use with AGENT_CONTROL=pipe',
  ],
  [
    { AGENT_CONTROL: 'pipe', AGENT_CONTROL_DIR: '/run/agent', AGENT_PID_FILE: '/pid' },
    'AGENT_PID_FILE has no use with AGENT_CONTROL=pipe',
  ],
  [{ AGENT_CONTROL_DIR: '/run/agent' }, 'AGENT_CONTROL_DIR has no use with AGENT_CONTROL=none'],
  [{ AGENT_CONTROL: 'child', AGENT_LOG: '/log' }, 'AGENT_COMMAND is missing'],
  [{ AGENT_CONTROL: 'child', AGENT_COMMAND: '["corrosion","agent"]' }, 'AGENT_LOG is missing'],
  [{ AGENT_STOP_TIMEOUT_SECONDS: '0' }, 'AGENT_STOP_TIMEOUT_SECONDS'],
])('%j is refused', (variables, reason) => {
  expect(() => read(variables)).toThrow(EnvironmentError)
  expect(() => read(variables)).toThrow(reason)
})

test('all that does not fit is said at once', () => {
  expect(() => read({ AGENT_CONTROL: 'child', AGENT_PID_FILE: '/pid' })).toThrow(
    /AGENT_PID_FILE has no use.*\nAGENT_LOG is missing.*\nAGENT_COMMAND is missing/,
  )
})
