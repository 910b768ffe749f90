import { useSyncExternalStore } from 'react'
import { gatewayNow } from '../api/gateway-clock.ts'

interface Toast {
  id: number
  tone: 'good' | 'bad' | 'info'
  text: string
  /** By the clock of the gateway, like all times that are shown. */
  at: number
  /** Something that takes back what was done. */
  undo?: { label: string; run: () => void }
}

// Errors stay until somebody takes them away.
const shownMs = 8000
const keptToasts = 30
const listeners = new Set<() => void>()
let shown: readonly Toast[] = []
let history: readonly Toast[] = []
let lastId = 0

function change(next: readonly Toast[]): void {
  shown = next
  for (const listener of listeners) listener()
}

/** Says what happened where everybody sees it, and keeps it in the list behind the bell. */
export function toast(tone: Toast['tone'], text: string, undo?: Toast['undo']): void {
  const added: Toast = { id: ++lastId, tone, text, at: gatewayNow(), ...(undo ? { undo } : {}) }
  history = [added, ...history].slice(0, keptToasts)
  change([...shown, added].slice(-keptToasts))
  if (tone !== 'bad') setTimeout(() => dismiss(added.id), shownMs)
}

export function dismiss(id: number): void {
  change(shown.filter((each) => each.id !== id))
}

/** What was said to somebody is not for whoever signs in next. */
export function forgetToasts(): void {
  history = []
  change([])
}

function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(onChange, () => shown)
}

export function useToastHistory(): readonly Toast[] {
  return useSyncExternalStore(onChange, () => history)
}
