/** As NATS matches: `*` is one token, a last `>` is one or more. */
export function matches(filter: string, subject: string): boolean {
  const wanted = filter.split('.')
  const tokens = subject.split('.')
  const isOpen = wanted.at(-1) === '>' && tokens.length > wanted.length
  return (
    (isOpen || tokens.length === wanted.length) &&
    wanted.every((token, index) => token === '*' || token === '>' || token === tokens[index])
  )
}
