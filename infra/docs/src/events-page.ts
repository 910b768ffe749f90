import type { StreamDefinition } from '@corroport/contracts'
import type { Entry } from './catalogue.ts'

/** docs/events.md */
export function renderEvents(
  entries: readonly Entry[],
  streams: readonly StreamDefinition[],
): string {
  return `# Events

Generated from \`packages/contracts\` and the services' own lists by \`infra/docs\`; not edited by hand. The same as a
document for machines: [asyncapi.json](asyncapi.json).

A *record* is counted: it lies in a stream and comes at least once. A *hint* may be lost. A *command* is a request with a
reply. To see them: \`corroport tap\`, or \`nats sub 'corro.>'\`.

| stream | subjects | kept at most |
| --- | --- | --- |
${streams.map(renderStream).join('\n')}

| subject | kind | said by | heard by |
| --- | --- | --- | --- |
${entries.map(renderRow).join('\n')}

${entries.map(renderEntry).join('\n')}`
}

function renderStream({ name, subjects, maxAgeHours, maxBytes }: StreamDefinition): string {
  const age = maxAgeHours > 48 ? `${maxAgeHours / 24} days` : `${maxAgeHours} hours`
  return `| ${name} | ${subjects.map((subject) => `\`${subject}\``).join(', ')} | ${age}, ${maxBytes / 1024 / 1024} MB |`
}

function renderRow({ slug, definition, saidBy, heardBy }: Entry): string {
  const link = `[\`${definition.template}\`](#${slug})`
  return `| ${link} | ${definition.kind} | ${names(saidBy)} | ${names(heardBy)} |`
}

function renderEntry({ slug, definition, stream, saidBy, heardBy, example }: Entry): string {
  const { kind, template, summary } = definition
  const facts =
    kind === 'command'
      ? `command, answered within ${definition.timeoutMs} ms; asked by ${names(saidBy)}; answered by ${names(heardBy)}`
      : `${kind}${stream === undefined ? '' : ` in ${stream}`}; said by ${names(saidBy)}; heard by ${names(heardBy)}`
  return `## ${slug}

\`${template}\`: ${summary}

${facts}

\`\`\`json
${JSON.stringify(example, undefined, 2)}
\`\`\`
`
}

function names(list: readonly string[]): string {
  return list.join(', ') || '–'
}
