/** Whether the gateway takes it for a filter: one that it does not take would end all live events. */
export function isSubjectFilter(text: string): boolean {
  return /^[^\s.,>]+(\.[^\s.,>]+)*(\.>)?$|^>$/.test(text)
}
