import { slugOf } from './catalogue.ts'
import type { Service, Templates } from './services.ts'

/** The commands are in docs/events.md, each with who asks: here is how many, and of whom. */
export function renderServices(services: readonly Service[]): string {
  const rows = services.map(
    ({ name, hears = [], answers = [], says = [], asks = [], stores, ports }) =>
      `| [${name}](services/${name}) | ${facts(hears)} | ${facts(says)} | ${answers.length || '–'} | ${askedOf(asks)} | ${stores} | ${ports} |`,
  )
  return [
    '| service | hears | says | commands answered | asks | stores | ports |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** A command's subject names the service that answers: `corro.command.gateway.message`. */
function askedOf(commands: Templates): string {
  const services = commands.map(({ template }) => template.split('.')[2] ?? template)
  return [...new Set(services)].toSorted().join(', ') || '–'
}

/** Facts of one noun together: `message.sent, .accepted`. */
function facts(list: Templates): string {
  let before = ''
  const names = list.map(({ template }) => {
    const tokens = template.split('.').slice(1)
    const [noun = '', ...fact] = tokens.filter((token) => !token.startsWith('{'))
    const name =
      fact.length > 0 && noun === before ? `.${fact.join('.')}` : [noun, ...fact].join('.')
    before = noun
    return `[${name}](docs/events.md#${slugOf(template)})`
  })
  return names.join(', ') || '–'
}
