import type { Entry } from './catalogue.ts'

type Json = Record<string, unknown>

/** docs/asyncapi.json: AsyncAPI 3.0 of the whole system, an operation for each service and event. */
export function createAsyncApi(entries: readonly Entry[], version: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'CorroPort events',
      version,
      description: 'What the services of CorroPort say on NATS. Payloads are JSON.',
    },
    defaultContentType: 'application/json',
    servers: { local: { host: '127.0.0.1:4222', protocol: 'nats' } },
    channels: Object.fromEntries(entries.flatMap(channelsOf)),
    operations: Object.fromEntries(entries.flatMap(operationsOf)),
    components: { messages: Object.fromEntries(entries.flatMap(messagesOf)) },
  }
}

function channelsOf({ slug, definition, stream }: Entry): [string, Json][] {
  const parameters = [...definition.template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [
    name,
    { description: name === 'nodeId' ? 'the node that says it' : `its ${name}` },
  ])
  const channel = {
    address: definition.template,
    summary: definition.summary,
    ...(stream === undefined ? {} : { description: `kept in the stream ${stream}` }),
    parameters: Object.fromEntries(parameters),
    messages: { [slug]: reference('components', 'messages', slug) },
  }
  if (definition.kind !== 'command') return [[slug, channel]]
  const reply = `${slug}-reply`
  return [
    [slug, channel],
    [
      reply,
      {
        address: null,
        summary: 'The inbox of whoever asked.',
        messages: { [reply]: reference('components', 'messages', reply) },
      },
    ],
  ]
}

function operationsOf({ slug, definition, saidBy, heardBy }: Entry): [string, Json][] {
  const isCommand = definition.kind === 'command'
  const operation = (service: string, action: 'send' | 'receive', verb: string): [string, Json] => [
    `${service}-${verb}-${slug}`,
    {
      action,
      channel: reference('channels', slug),
      tags: [{ name: service }],
      ...(isCommand ? { reply: { channel: reference('channels', `${slug}-reply`) } } : {}),
    },
  ]
  return [
    ...saidBy.map((service) => operation(service, 'send', isCommand ? 'asks' : 'says')),
    ...heardBy.map((service) => operation(service, 'receive', isCommand ? 'answers' : 'hears')),
  ]
}

function messagesOf({ slug, definition, example }: Entry): [string, Json][] {
  if (definition.kind === 'command') {
    const { request, reply } = example
    return [
      [slug, message(definition.summary, definition.request, request)],
      [`${slug}-reply`, message(definition.summary, definition.reply, reply)],
    ]
  }
  return [[slug, message(definition.summary, definition.schema, example)]]
}

function message(summary: string, payload: object, example: unknown): Json {
  return { summary, payload, examples: [{ payload: example }] }
}

function reference(...path: string[]): Json {
  return { $ref: `#/${path.join('/')}` }
}
