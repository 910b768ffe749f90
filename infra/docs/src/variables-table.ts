import type { TObject } from 'typebox'

/** What a service reads from its environment. */
export function renderVariables({ properties }: TObject): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const value: unknown = Reflect.get(schema, 'default') ?? ''
    const shown = value === '' ? '' : ` \`${String(value)}\``
    const names = Reflect.has(schema, 'isSecret')
      ? `\`${name}\` or \`${name}_FILE\``
      : `\`${name}\``
    return `| ${names} |${shown} | ${String(Reflect.get(schema, 'description'))} |`
  })
  return ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}
