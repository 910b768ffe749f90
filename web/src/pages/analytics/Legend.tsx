/** Which line is whose: by its colour and its dashes. */
export function Legend({ names }: { names: readonly string[] }) {
  return (
    <p className="hint">
      {names.map((name, index) => (
        <span key={name} className="analytics-legend">
          <svg width={28} height={8} aria-hidden="true">
            <path className={`line series-${index + 1}`} d="M0 4H26" />
          </svg>
          {name}
        </span>
      ))}
    </p>
  )
}
