/** One argument of a command for a POSIX shell, exactly as it is. */
function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A command that a POSIX shell reads as these words. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellQuote).join(' ')
}
