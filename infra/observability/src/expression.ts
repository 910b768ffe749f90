const words = new Set(['and', 'or', 'unless', 'bool', 'offset'])

/** The metrics that a PromQL expression asks for. */
export function metricNamesIn(expression: string): string[] {
  const plain = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
  // A function's name comes before a parenthesis; a number like 1e9 or 10m begins with a digit.
  const names = [...plain.matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)].map(([name]) => name)
  return [...new Set(names)].filter((name) => !words.has(name))
}
