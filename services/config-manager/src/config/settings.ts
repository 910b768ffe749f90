import type { SettingValue } from '@corroport/contracts'
import type { TomlEdit } from './edit-toml.ts'
import { isWildcard } from './hosts.ts'
import { aliases, everywhere, isText, known, refused } from './known-settings.ts'
import { isTable, parseSettingName, type SettingPath, type TomlTable, valueAt } from './toml.ts'

export interface CheckedSettings {
  edits: TomlEdit[]
  problems: string[]
  warnings: string[]
}

/**
 * Whether these settings can be set in this file, and under which keys. Environment variables of the
 * agent (`GOSSIP__ADDR`) win over its file and cannot be seen from here.
 */
export function checkSettings(
  settings: Readonly<Record<string, SettingValue>>,
  file: TomlTable,
): CheckedSettings {
  const checked: CheckedSettings = { edits: [], problems: [], warnings: [] }
  const given = new Set<string>()
  for (const [name, value] of Object.entries(settings)) {
    const path = parseSettingName(name)
    const meant = path && canonicalName(path)
    if (!meant) checked.problems.push(`${JSON.stringify(name)} is no name of a setting`)
    else if (given.has(meant)) checked.problems.push(`${name} is given twice`)
    else checkSetting({ name, meant, path, value }, file, checked)
    if (meant) given.add(meant)
  }
  return checked
}

function checkSetting(
  given: { name: string; meant: string; path: SettingPath; value: SettingValue },
  file: TomlTable,
  { edits, problems, warnings }: CheckedSettings,
): void {
  const { name, meant, path, value } = given
  const no = refused.find(([each]) => meant === each || meant.startsWith(`${each}.`))
  if (no) {
    problems.push(`${name} is not changed here: ${no[1]}`)
    return
  }
  const setting = known.get(meant) ?? known.get(meant.replace(/^(reaper\.tables)\.[^.]+/, '$1.*'))
  if (!setting && isTableName(meant)) {
    problems.push(`${name} is a table: name the settings in it`)
    return
  }
  const close = setting ? undefined : [...known.keys()].find((each) => isClose(each, meant))
  if (close !== undefined) {
    problems.push(`${name} is no setting of an agent: is ${close} meant?`)
    return
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    problems.push(`${name} has half a character in it`)
    return
  }
  if (!setting) {
    warnings.push(`${name} is not known: agents pass over what they do not know`)
  } else if (value === null) {
    if (setting.isRequired === true) problems.push(`${name} cannot go: agents need it`)
  } else if (!setting.kind.fits(value)) {
    problems.push(`${name} must be ${setting.kind.expected}`)
  }
  if (setting?.note !== undefined) warnings.push(`${name} ${setting.note}`)
  if (meant.startsWith('reaper.')) {
    warnings.push(`${name}: the reaper deletes what proves deletions; ${everywhere}`)
  }
  edits.push({ path: asWritten(path, file), value })
}

/** What about a whole file is a trap. */
export function findTraps(file: TomlTable): string[] {
  const traps: string[] = []
  const gossip = settingOf(file, 'gossip.addr')
  if (isText(gossip) && isWildcard(gossip) && gossipAddress(file) === gossip) {
    traps.push(`gossip.addr is ${gossip}, and others are told it: set gossip.external_addr`)
  }
  if (settingOf(file, 'gossip.plaintext') !== true && !isTable(settingOf(file, 'gossip.tls'))) {
    traps.push('gossip.plaintext is not true and gossip.tls is not set: an agent refuses to start')
  }
  if (settingOf(file, 'db.cache_size_kib') === undefined) {
    traps.push('db.cache_size_kib is not set: an agent then takes up to 1 GiB of memory for it')
  }
  return traps
}

/** What others are told: `gossip.external_addr`, else `gossip.addr`. */
export function gossipAddress(file: TomlTable): string | null {
  const told = settingOf(file, 'gossip.external_addr') ?? settingOf(file, 'gossip.addr')
  return isText(told) ? told : null
}

export function bootstrapOf(file: TomlTable): string[] {
  const list = settingOf(file, 'gossip.bootstrap')
  return Array.isArray(list) ? list.filter(isText) : []
}

/** What must not differ when a whole file is replaced, as this node's services would be lost. */
export function findLosses(before: TomlTable, after: TomlTable): string[] {
  return ['db.path', 'api.addr', 'api.authz', 'admin.path']
    .filter(
      (name) => JSON.stringify(settingOf(before, name)) !== JSON.stringify(settingOf(after, name)),
    )
    .map((name) => `${name} is another one in the canonical file`)
}

/** What a file says of a setting, under whichever of its names. */
export function settingOf(file: TomlTable, name: string): unknown {
  return valueAt(file, asWritten(name.split('.'), file))
}

function isTableName(meant: string): boolean {
  const names = [...known.keys(), ...refused.map(([name]) => name)]
  return names.some((name) => name.startsWith(`${meant}.`))
}

function canonicalName(path: SettingPath): string {
  return path.map((key) => aliases.get(key) ?? key).join('.')
}

/** The keys that this file has for it: an agent refuses a file with a setting and its alias. */
function asWritten(path: SettingPath, file: TomlTable): SettingPath {
  let table: unknown = file
  return path.map((key) => {
    const canonical = aliases.get(key) ?? key
    const names = [
      key,
      canonical,
      ...[...aliases].flatMap(([alias, meant]) => (meant === canonical ? alias : [])),
    ]
    const current = table
    const found = isTable(current) ? names.find((each) => Object.hasOwn(current, each)) : undefined
    table = isTable(current) && found !== undefined ? current[found] : undefined
    return found ?? key
  })
}

/** Whether one can be made of the other by two insertions, deletions or replacements of a letter. */
function isClose(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 2) return false
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return (row.at(-1) ?? 0) <= 2
}
