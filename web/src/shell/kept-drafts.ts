// What is typed and not sent yet outlives a reload of its tab, but not a sign-out. Storage may be off,
// be full, or hold what is not ours: a draft then lasts as long as the page.
const prefix = 'corroport.draft.'

/** What was kept under a name, of whatever form; undefined where that is nothing. */
export function readDraft(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(prefix + name) ?? 'null') ?? undefined
  } catch {
    return undefined // nothing that could be read
  }
}

/** Undefined takes it away. */
export function keepDraft(name: string, draft: unknown): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(prefix + name)
    else sessionStorage.setItem(prefix + name, JSON.stringify(draft))
  } catch {
    // It is there until the page is left.
  }
}

export function forgetDrafts(): void {
  try {
    const names = Object.keys(sessionStorage).filter((name) => name.startsWith(prefix))
    for (const name of names) sessionStorage.removeItem(name)
  } catch {
    // Where storage is off there is none.
  }
}
