/** Where the rows of `backends` come from. */
export interface TableSource extends AsyncDisposable {
  readonly status: SourceStatus
}

export interface SourceStatus {
  /** In step with the rows: what is written is heard at once. */
  isLive: boolean
  /** `live`, or what it is doing to become so. */
  state: string
  /** Why it is not live, where that is known. */
  reason: string | undefined
  /** Seconds since it was in step; 0 while it is; null when it never was. */
  ageSeconds: number | null
  /** Rows that the last look at the whole table found to differ; null: there was none yet. */
  auditDiffering: number | null
}

export interface RowNews {
  /** Canonical text of the row's key. */
  key: string
  /** Null: there is no such row any more. */
  row: Readonly<Record<string, unknown>> | null
  /** `heard` as it was written, or `found` in the table later. */
  how: 'heard' | 'found'
}

export interface SourceListener {
  onRows(news: readonly RowNews[]): void
  /** It has become live, or ceased to be. */
  onLive(isLive: boolean): void
}
