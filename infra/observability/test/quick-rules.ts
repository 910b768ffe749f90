import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRules } from '../src/rules.ts'

/** The rules as they are, but that nothing has to last for longer than two seconds to fire. */
export function writeQuickRules(folder: string): void {
  const groups = readRules().map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ('for' in rule ? { ...rule, for: '2s' } : rule)),
  }))
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups })) // which is YAML too
}
