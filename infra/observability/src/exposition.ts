/** A metric as a process exposes it. */
export interface Exposed {
  name: string
  type: string
  help: string
  /** Of each series; without `le` and `quantile`, which belong to the type. */
  series: Record<string, string>[]
}

/** What the text of `/metrics` says. */
export function readExposition(text: string): Exposed[] {
  const found = new Map<string, Exposed>()
  const at = (name: string): Exposed => {
    const known = found.get(name) ?? { name, type: 'untyped', help: '', series: [] }
    found.set(name, known)
    return known
  }
  for (const line of text.split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (word === 'HELP') at(name).help = rest
    else if (word === 'TYPE') at(name).type = rest
    else if (line !== '' && !line.startsWith('#')) addSeries(found, line)
  }
  return [...found.values()]
}

function addSeries(found: ReadonlyMap<string, Exposed>, line: string): void {
  const [, name = '', inner = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/.exec(line) ?? []
  const metric = found.get(name) ?? found.get(name.replace(/_(bucket|sum|count)$/, ''))
  if (!metric) throw new Error(`no type before ${line}`)
  const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    .map(([, label = '', value = '']): [string, string] => [label, value])
    .filter(([label]) => label !== 'le' && label !== 'quantile')
  metric.series.push(Object.fromEntries(labels))
}
