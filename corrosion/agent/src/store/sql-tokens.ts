/** A token of SQL as SQLite cuts it; white space and comments are none. */
export interface SqlToken {
  text: string
  start: number
  end: number
}

const pattern =
  /[ \t\n\f\r]+|--[^\n]*|\/\*[^]*?(?:\*\/|$)|[xX]'[^']*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\?\d*|[$@:#](?:::|[\w$\u0080-\uffff])+|[\w$\u0080-\uffff]+|[^]/g
const passedOver = /^(?:[ \t\n\f\r]|--|\/\*)/

export function tokenize(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  for (const { 0: text, index: start } of sql.matchAll(pattern)) {
    if (!passedOver.test(text)) tokens.push({ text, start, end: start + text.length })
  }
  return tokens
}

/** The name that a token stands for: `"a b"`, `[a b]`, `` `a b` `` and `a` without their quotes. */
export function unquote(text: string): string {
  const first = text.charAt(0)
  if (first === '[') return text.slice(1, -1)
  if (first === '"' || first === '`' || first === "'") {
    return text.slice(1, -1).replaceAll(first + first, first)
  }
  return text
}
