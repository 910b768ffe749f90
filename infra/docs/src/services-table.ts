import { slugOf } from './catalogue.ts'
import type { Service } from './services.ts'

export function renderServices(services: readonly Service[]): string {
  const rows = services.map(
    ({ name, hears = [], answers = [], says = [], asks = [], stores, ports }) =>
      `| [${name}](services/${name}) | ${facts([...hears, ...answers])} | ${facts([...says, ...asks])} | ${stores} | ${ports} |`,
  )
  return [
    '| service | hears | says | stores | ports |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** Facts of one noun together: `message.sent, .accepted`. */
function facts(list: readonly { readonly template: string }[]): string {
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
