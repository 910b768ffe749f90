import { until } from '@corroport/testing'
import { askAdmin } from '../admin-frames.ts'
import { post } from '../agent-process.ts'
import type { Case, Group, World } from '../conformance-case.ts'
import type { LineFeed } from '../raw-http.ts'
import { type RecordedFrames, readRecording } from '../recordings.ts'
import { actorOf } from '../replicas.ts'

/** Every recorded frame, and the shapes that the recording lacks. */
export function adminGroup(): Group {
  const recorded = readRecording('v1.0.0', 'admin')
  let feed: LineFeed | undefined
  return {
    name: 'admin',
    nodeCount: 3,
    cases: [
      {
        name: 'admin: prepared',
        expected: ['200'],
        async run({ node, nodes }) {
          feed = await node.open(post('/v1/subscriptions', 'SELECT pk, message FROM node_messages'))
          await node.transact("INSERT INTO node_messages(pk) VALUES ('a')")
          await node.transact("INSERT INTO node_messages(pk) VALUES ('b')")
          await until(() => knowsOthers(node, nodes.length - 1))
          return [String(feed.status)]
        },
      },
      ...recorded.map(recordedCase),
      ...further,
    ],
  }
}

function recordedCase({ request, frames }: RecordedFrames): Case {
  const text = JSON.stringify(request)
  const expected = sorted(frames).map((frame) =>
    frame
      // The recording's agent had written 24 versions and had four subscriptions.
      .replace(/(?<="heads":\{"[^"]+"):24/, ':2')
      .replace(/\{"Json":\[\{"hash".*/, subscriptionsOfOurs),
  )
  return {
    name: `admin: ${text}`,
    expected,
    run: async ({ node }) => sorted(await askAdmin(node.adminPath, request)),
  }
}

const subscriptionsOfOurs =
  '{"Json":[{"hash":"90dcd983f7104ecc","id":"<id 4>","ms_per_sec_cost":<ms>,"sql":"SELECT pk, message FROM node_messages"}]}'

const noId = '00000000-0000-4000-8000-000000000000'

const further: Case[] = [
  refusal(
    { Cluster: 'Nope' },
    'unknown variant `Nope`, expected one of `Rejoin`, `Members`, `MembershipStates`, `SetId` at line 1 column 17',
  ),
  refusal(
    'Nope',
    'unknown variant `Nope`, expected one of `Ping`, `Sync`, `Cluster`, `Actor`, `Subs`, `Log`, `Reload` at line 1 column 6',
  ),
  refusal({ Subs: { Info: { hash: null, id: noId } } }, 'unknown subscription hash or id'),
  refusal(
    { Actor: { Version: { actor_id: noId, version: 1 } } },
    `unknown actor id: ${noId.replaceAll('-', '')}`,
  ),
  {
    name: 'admin: a version of the agent itself',
    expected: ['{"Json":{"current":{"db_version":1,"last_seq":5}}}', '"Success"'],
    run: async ({ node }) => {
      const hyphenated = (await actorOf(node)).replace(
        /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
        '$1-$2-$3-$4-$5',
      )
      return askAdmin(node.adminPath, { Actor: { Version: { actor_id: hyphenated, version: 1 } } })
    },
  },
]

function refusal(request: unknown, message: string): Case {
  return {
    name: `admin: ${JSON.stringify(request)}`,
    expected: [JSON.stringify({ Error: { msg: message } })],
    run: ({ node }) => askAdmin(node.adminPath, request),
  }
}

async function knowsOthers(node: World['node'], count: number): Promise<boolean> {
  const frames = await askAdmin(node.adminPath, { Cluster: 'Members' })
  return frames.filter((frame) => /"rtts":\[\d/.test(frame)).length === count
}

/** Members come in no order: by id, so that they are numbered alike. */
function sorted(frames: readonly string[]): string[] {
  const idOf = (frame: string) => /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(frame)?.[0] ?? ''
  const isMember = (frame: string) => frame.startsWith('{"Json":{"id":')
  const members = frames.filter(isMember).toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  return frames.map((frame) => (isMember(frame) ? (members.shift() ?? frame) : frame))
}
