import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'

const Rules = Type.Object({
  groups: Type.Array(
    Type.Object({
      name: Type.String(),
      rules: Type.Array(
        Type.Object({
          alert: Type.String(),
          expr: Type.String(),
          for: Type.Optional(Type.String()),
          labels: Type.Object({ severity: Type.Enum(['critical', 'warning']) }),
          annotations: Type.Object({ summary: Type.String(), runbook_url: Type.String() }),
        }),
      ),
    }),
  ),
})

export const rulesPath = join(import.meta.dirname, '../prometheus/rules.yml')

/** The alert rules, in the order of their file. */
export function readRules() {
  return Value.Parse(Rules, parse(readFileSync(rulesPath, 'utf8'))).groups
}
