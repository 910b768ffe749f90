const meanings = [
  ['origin', 'sent it'],
  ['good', 'acknowledged'],
  ['waiting', 'missing'],
  ['bad', 'lost'],
  ['quiet', 'not asked'],
] as const

export function Legend() {
  return (
    <ul className="propagation-legend" aria-label="Colours of the map">
      {meanings.map(([tone, text]) => (
        <li key={tone}>
          <span className={`mark ${tone}`} aria-hidden="true" /> {text}
        </li>
      ))}
    </ul>
  )
}
