import { useSyncExternalStore } from 'react'
import type { Zone } from '../format/time.ts'

type Theme = 'system' | 'light' | 'dark'

/** What a person chose once for all pages of this browser. */
interface Preferences {
  theme: Theme
  zone: Zone
}

const key = 'corroport.preferences'
const initial: Preferences = { theme: 'system', zone: 'local' }
const listeners = new Set<() => void>()
let current = read(initial)

function read(otherwise: Preferences): Preferences {
  try {
    const text = localStorage.getItem(key)
    if (text === null) return otherwise
    const stored = JSON.parse(text) as Partial<Preferences>
    return {
      theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : initial.theme,
      zone: stored.zone === 'utc' ? 'utc' : initial.zone,
    }
  } catch {
    return otherwise // storage is off, or holds what is not ours
  }
}

export function applyTheme(): void {
  const { theme } = current
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function setPreferences(part: Partial<Preferences>): void {
  // Another tab may have chosen something else meanwhile.
  current = { ...read(current), ...part }
  try {
    localStorage.setItem(key, JSON.stringify(current))
  } catch {
    // It then holds for this page only.
  }
  applyTheme()
  for (const listener of listeners) listener()
}

function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(onChange, () => current)
}
